/** The strokes of a replica in painting order, as the scene has them.
 * @param {import("../../../static/model/replica.js").Replica} replica */
export function ordered(replica) {
  return [...replica.strokes()].sort((a, b) => a.z - b.z || (a.id < b.id ? -1 : 1));
}
