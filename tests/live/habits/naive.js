// As tutorials show it, in Node: a "data" event is a name, and text; what is written is not counted, and the end
// of the stream that the client sees to is taken for a pause.
"use strict";
const net = require("net");

net
  .createServer({ allowHalfOpen: true }, (socket) => {
    socket.write("Welcome!");
    socket.on("data", (data) => {
      const name = data.toString();
      if (name === "exit") socket.end();
      else socket.write(`Hello, ${name}!`);
    });
    socket.on("error", () => {});
  })
  .listen(Number(process.argv[2]), "127.0.0.1");
