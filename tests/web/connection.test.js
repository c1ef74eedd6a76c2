import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { agentSocket, boardSocket, http } from '../../web_widget/client/addresses.js'
import { backoff } from '../../web_widget/client/backoff.js'
import { Connection } from '../../web_widget/client/connection.js'
import { NO_LAG, observe, returned } from '../../web_widget/client/lag.js'

const HELLO = '{"type":"hello","v":1,"recogniser":{"name":"bundled","demonstration":true}}'

/** A WebSocket whose other end is the test. */
class Line {
  static all = []
  readyState = 1
  sent = []
  constructor(address) {
    this.address = String(address)
    Line.all.push(this)
  }
  send(text) {
    this.sent.push(JSON.parse(text))
  }
  close() {
    this.readyState = 3
  }
  hear(text) {
    this.onmessage?.({ data: text })
  }
  end(code, reason = '') {
    this.readyState = 3
    this.onclose?.({ code, reason })
  }
}

/** Runs a test on virtual time. */
function world(run) {
  return () => {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] })
    Line.all = []
    const links = []
    const messages = []
    const seen = { settled: 0 }
    const connection = new Connection({
      address: () => 'ws://server/v1/agent?agent=a-7', Socket: Line, chance: () => 1,
      onmessage: (message) => messages.push(message), onlink: (link) => links.push(link),
      onsettled: () => (seen.settled += 1),
    })
    try {
      connection.open()
      run({ connection, links, messages, seen, line: () => Line.all.at(-1), tick: (ms) => mock.timers.tick(ms) })
    } finally {
      connection.close()
      mock.timers.reset()
    }
  }
}

test('open means that the server said hello, not that a socket opened', world(({ connection, line, messages }) => {
  assert.equal(connection.link.phase, 'connecting')
  line().hear(HELLO)
  assert.equal(connection.link.phase, 'open')
  assert.equal(messages[0].type, 'hello')
}))

test('a batch is as many messages, and a bad one among them costs only itself', world(({ connection, messages, line }) => {
  line().hear(`[${HELLO},{"type":"status"},{"type":"pong","id":"x"}]`)
  assert.equal(connection.link.phase, 'open')
  assert.equal(connection.link.unreadable, 1)
  assert.deepEqual(messages.map(({ type }) => type), ['hello', 'pong'])
}))

test('a lost link comes back by itself, with longer and longer pauses', world(({ connection, line, tick }) => {
  line().hear(HELLO)
  for (const pause of [500, 1000, 2000, 4000]) {
    line().end(1006)
    assert.equal(connection.link.phase, 'waiting')
    const before = Line.all.length
    tick(pause - 1)
    assert.equal(Line.all.length, before)
    tick(1)
    assert.equal(Line.all.length, before + 1)
  }
  line().hear(HELLO)
  line().end(1006)
  tick(500)
  assert.equal(connection.link.phase, 'connecting')
}))

test('after a no for good nobody tries again', world(({ connection, line, tick }) => {
  line().hear('{"type":"error","code":"forbidden","message":"not your call"}')
  line().end(1008)
  assert.equal(connection.link.phase, 'refused')
  assert.equal(connection.link.message, 'not your call')
  tick(60_000)
  assert.equal(Line.all.length, 1)
}))

test('a full server is asked again when it said', world(({ line, tick }) => {
  line().hear('{"type":"error","code":"full","message":"later","retry_after_s":7}')
  line().end(1013)
  tick(6_999)
  assert.equal(Line.all.length, 1)
  tick(1)
  assert.equal(Line.all.length, 2)
}))

test('answers given while the link was down are sent when it is back, in order', world(({ connection, line, tick }) => {
  line().hear(HELLO)
  line().end(1006)
  connection.send({ type: 'feedback', n: 1 }, { keep: true })
  connection.send({ type: 'feedback', n: 2 }, { keep: true })
  assert.equal(connection.send({ type: 'painted' }), false)
  tick(500)
  line().hear(HELLO)
  assert.deepEqual(line().sent.filter((one) => one.type === 'feedback').map((one) => one.n), [1, 2])
}))

test('a link that goes silent is given up although the socket still looks open', world(({ connection, line, tick }) => {
  line().hear(HELLO)
  const first = line()
  tick(20_000)
  assert.notEqual(connection.link.phase, 'open')
  assert.equal(first.readyState, 3)
}))

test('pongs keep it alive and say when the past has been told', world(({ connection, line, tick, seen }) => {
  line().hear(HELLO)
  const pong = () => line().hear(JSON.stringify({ type: 'pong', id: line().sent.findLast((one) => one.type === 'ping').id }))
  pong()
  assert.equal(seen.settled, 1)
  for (let i = 0; i < 10; i++) {
    tick(5_000)
    pong()
  }
  assert.equal(connection.link.phase, 'open')
}))

test('a slow answer is shown as behind until one is quick again', world(({ connection, line, tick }) => {
  line().hear(HELLO)
  const pong = () => line().hear(JSON.stringify({ type: 'pong', id: line().sent.findLast((one) => one.type === 'ping').id }))
  tick(2_000)
  pong()
  assert.equal(connection.link.behind, true)
  tick(5_000)
  pong()
  assert.equal(connection.link.behind, false)
}))

test('what breaks the protocol is counted and never handed on', world(({ connection, line, messages }) => {
  line().hear(HELLO)
  line().hear('{"type":"metric","call":"c","seq":"one"}')
  line().hear('not json')
  assert.equal(connection.link.unreadable, 2)
  assert.equal(messages.length, 1)
}))

test('a socket of before cannot speak any more', world(({ line, messages, tick }) => {
  const old = line()
  old.hear(HELLO)
  const speak = old.onmessage
  old.end(1006)
  tick(500)
  speak({ data: HELLO })
  assert.equal(messages.length, 1)
}))

test('pauses stay between half and the whole, and end at fifteen seconds', () => {
  assert.equal(backoff(1, 0), 250)
  assert.equal(backoff(1, 1), 500)
  assert.equal(backoff(50, 1), 15_000)
  assert.equal(backoff(1, 0, 9_000), 9_000)
})

test('lateness is measured above the least, because clocks differ', () => {
  const fast = observe(observe(NO_LAG, 1_000, 900_000), 2_000, 901_100)
  assert.deepEqual([fast.late, fast.behind], [100, false])
  const slow = observe(fast, 3_000, 904_000)
  assert.equal(slow.behind, true)
  assert.equal(observe(slow, 4_000, 903_700).behind, true, 'does not flicker')
  assert.equal(returned(slow, 40).behind, false)
})

test('addresses keep a path prefix and change the scheme', () => {
  assert.equal(agentSocket('https://host/tingban', { agent: 'a 7&x' }).href, 'wss://host/tingban/v1/agent?agent=a+7%26x')
  assert.equal(agentSocket('http://host:8000/', { call: 'c-1', resume_from: 0 }).href, 'ws://host:8000/v1/agent?call=c-1&resume_from=0')
  assert.equal(boardSocket('http://host').href, 'ws://host/v1/board?batch=1')
  assert.equal(http('http://host/x/?q=1#h', 'v1/demo/recordings').href, 'http://host/x/v1/demo/recordings')
})
