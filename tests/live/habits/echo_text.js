// An echo in Node that has its bytes decoded, and waits while nothing can be written.
"use strict";
const net = require("net");

net
  .createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.setEncoding("utf8");
    socket.pipe(socket);
    socket.on("error", () => {});
  })
  .listen({ host: "127.0.0.1", port: Number(process.argv[2]), backlog: 512 });
