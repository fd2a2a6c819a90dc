// Drawing together as it is usually written with socket.io: a room for each drawing, a list in Redis
// for its strokes, and the Redis adapter between nodes. A stroke is stored before it is acknowledged
// and sent on. Who comes gets the people who are there, and these hear of who comes and leaves. Its only
// argument is the port of Redis.

import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const redis = createClient({ url: `redis://127.0.0.1:${process.argv[2]}` });
const [publisher, subscriber] = [redis.duplicate(), redis.duplicate()];
await Promise.all([redis, publisher, subscriber].map((client) => client.connect()));

const http = createServer();
const io = new Server(http, { adapter: createAdapter(publisher, subscriber) });

/** @param {string} drawing */
const strokesOf = (drawing) => `strokes:${drawing}`;

io.on("connection", (socket) => {
  /** @type {string | undefined} */
  let joined;

  // A page that comes back says how many strokes it has.
  socket.on("join", async (drawing, have, name, answer) => {
    socket.data = { id: socket.id, name, colour: "#e03131" };
    await socket.join(drawing);
    joined = drawing;
    const strokes = await redis.lRange(strokesOf(drawing), have, -1);
    answer(strokes.map((stroke) => JSON.parse(stroke)));
    const there = await io.in(drawing).fetchSockets();
    socket.emit("people", there.map(({ data }) => data));
    socket.to(drawing).emit("joined", socket.data);
  });

  socket.on("disconnect", () => {
    if (joined !== undefined) {
      socket.to(joined).emit("left", socket.id);
    }
  });

  socket.on("stroke", async (stroke, answer) => {
    if (joined === undefined) {
      return;
    }
    await redis.rPush(strokesOf(joined), JSON.stringify(stroke));
    socket.to(joined).emit("stroke", stroke);
    answer();
  });
});

http.listen(0, "127.0.0.1", () => {
  const address = http.address();
  if (address !== null && typeof address === "object") {
    console.error(`http://${address.address}:${address.port}`);
  }
});
