import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metadata } from '@grpc/grpc-js';
import { nodeFailure } from '../../src/api/node-failure.ts';
import { WafersyncError } from '../../src/errors.ts';
import { CODE_TRAILER, GrpcCode } from '../../src/wire/status.ts';

/** An error as grpc-js gives it to a client. */
function status(code: number, details: string, trailers: Readonly<Record<string, string>> = {}) {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(trailers)) metadata.set(name, value);
  return WafersyncError.from(Object.assign(new Error(details), { code, details, metadata }));
}

const { UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED } = GrpcCode;
const LATE = 'Deadline exceeded after 3.002s,name resolution: 0.002s,';

const TOLD: readonly (readonly [code: number, details: string, line: RegExp])[] = [
  [
    UNAVAILABLE,
    'No connection established. Last error: connect ECONNREFUSED 1.2.3.4:5. Resolution note: ',
    /^no node answers at az:5 \(connection refused\)\. Start the node, or correct the address\.$/,
  ],
  [
    UNAVAILABLE,
    'No connection established. Last error: Failed to connect. Resolution note: ',
    /^no node answers at az:5\. Start the node/,
  ],
  [
    UNAVAILABLE,
    'Name resolution failed for target dns:az:5',
    /^no node answers at az:5 \(the name is not known\)\. /,
  ],
  [
    UNAVAILABLE,
    'read ECONNRESET',
    /^the connection to the node at az:5 was lost \(connection reset\)\. Try again: /,
  ],
  [UNAVAILABLE, 'Connection dropped', /^the connection to the node at az:5 was lost\. Try again: /],
  [
    DEADLINE_EXCEEDED,
    `${LATE}Waiting for LB pick`,
    /^no node answers at az:5 \(no answer in 3 s\)\. Start the node/,
  ],
  [DEADLINE_EXCEEDED, 'Deadline exceeded after 2.998s,Waiting for LB pick', /\(no answer in 3 s\)/],
  [
    DEADLINE_EXCEEDED,
    `${LATE}LB pick: 0.001s,remote_addr=1.2.3.4:5`,
    /^the node at az:5 gave no answer in 3 s\. Try again; if/,
  ],
  [
    CANCELLED,
    'Call cancelled',
    /^the node at az:5 broke the call off, as one that stops does\. Try again once it runs/,
  ],
];

test('what the library says of a connection is put plainly, with the remedy', () => {
  for (const [code, details, line] of TOLD) {
    const error = nodeFailure(status(code, details), 'az:5');
    assert.equal(error.code, 'unavailable', details);
    assert.match(error.line, line);
  }
});

test('what a node says, and a call that this side gave up, stay as they are', () => {
  const said = status(UNAVAILABLE, 'the node is stopping', { [CODE_TRAILER]: 'unavailable' });
  const own = status(CANCELLED, 'Cancelled on client');
  const other = status(GrpcCode.NOT_FOUND, 'no such lot');
  for (const error of [said, own, other]) assert.equal(nodeFailure(error, 'az:5'), error);
});
