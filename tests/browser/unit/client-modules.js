// The modules of the client that replayed transcripts run through, wherever they are in static/.
export { Outbox } from "../../../static/outbox.js";
export { Replica } from "../../../static/replica.js";
export { Sync } from "../../../static/sync.js";
