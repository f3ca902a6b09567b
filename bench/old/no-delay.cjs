// @ts-nocheck: run by node as it is
// Loaded before msgflo-nodejs: without Nagle's algorithm, which it leaves on. With it its AMQP chain waits 40 ms for each ack.
const { Socket } = require('node:net');

const { connect, setNoDelay } = Socket.prototype;
Socket.prototype.setNoDelay = function () {
  return Reflect.apply(setNoDelay, this, [true]);
};
Socket.prototype.connect = function (...options) {
  this.setNoDelay();
  return Reflect.apply(connect, this, options);
};
