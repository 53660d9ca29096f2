// Lines and bare sends, in Node: keeps newlines. Bytes are no text, and nothing is read while nothing can be written.
"use strict";
const net = require("net");

const QUIET_MS = 50;
const MOST_BYTES = 65536;
const LF = 10;
const CR = 13;

function serve(socket) {
  let held = Buffer.alloc(0);
  let timer = null;
  let ended = false;

  function end() {
    ended = true;
    clearTimeout(timer);
    held = Buffer.alloc(0);
    socket.end();
    setTimeout(() => socket.destroy(), 2000).unref();
  }

  // Answers a message, its newline with it.
  function take(message) {
    let size = message.length;
    if (size && message[size - 1] === LF) size -= 1;
    if (size < message.length && size && message[size - 1] === CR) size -= 1;
    const name = message.subarray(0, size);
    if (size > MOST_BYTES || name.toString("latin1") === "exit") return end();
    if (size) socket.write(Buffer.concat([Buffer.from("Hello, "), name, Buffer.from("!"), message.subarray(size)]));
  }

  function takeRest() {
    const rest = held;
    held = Buffer.alloc(0);
    if (rest.length) take(rest);
  }

  socket.on("data", (data) => {
    if (ended) return;  // what still comes is thrown away
    clearTimeout(timer);
    held = Buffer.concat([held, data]);
    socket.cork();
    let place;
    while (!ended && (place = held.indexOf(LF)) >= 0) {
      const message = held.subarray(0, place + 1);
      held = held.subarray(place + 1);
      take(message);
    }
    process.nextTick(() => socket.uncork());
    if (held.length > MOST_BYTES + 1) return end();
    if (ended) return;
    if (socket.writableNeedDrain) socket.pause();  // no pause of the client's
    else if (held.length) timer = setTimeout(takeRest, QUIET_MS);
  });
  socket.on("drain", () => {
    socket.resume();
    if (!ended && held.length) timer = setTimeout(takeRest, QUIET_MS);
  });
  socket.on("end", () => {
    if (ended) return;
    clearTimeout(timer);
    takeRest();
    if (!ended) end();
  });
  socket.on("error", () => clearTimeout(timer));
  socket.write("Welcome!");
}

const options = { allowHalfOpen: true, noDelay: true };
const server = net.createServer(options, serve);
server.listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 512 });
