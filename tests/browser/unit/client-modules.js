// The modules of the client that replayed transcripts run through, wherever they are in static/.
export { Outbox } from "../../../static/net/outbox.js";
export { Replica } from "../../../static/model/replica.js";
export { Sync } from "../../../static/net/sync.js";
