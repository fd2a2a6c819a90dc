// The server of y-websocket, which stores updates in the LevelDB of the folder YPERSISTENCE. Its own
// start script does the same, but cannot choose a free port.

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { WebSocketServer } from "ws";

const { setupWSConnection } = createRequire(import.meta.url)("y-websocket/bin/utils");

const http = createServer();
new WebSocketServer({ server: http }).on("connection", setupWSConnection);

http.listen(0, "127.0.0.1", () => {
  const address = http.address();
  if (address !== null && typeof address === "object") {
    console.error(`http://${address.address}:${address.port}`);
  }
});
