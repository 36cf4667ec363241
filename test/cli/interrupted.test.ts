import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { serverStream } from '../../src/api/call.ts';
import { createServer } from '../../src/api/server.ts';
import { silentLog } from '../../src/log.ts';
import { fromNumber } from '../../src/wire/long.ts';
import type { Message } from '../../src/wire/message.ts';
import { backupService } from '../../src/wire/services.ts';
import { realWorld } from '../../src/world.ts';
import { ended, startWafersync } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`a backup that ${signal} ends says so, and leaves no file`, { timeout: 60_000 }, async (t) => {
    const server = createServer({ world: realWorld, log: silentLog });
    let wrote = () => {};
    const writing = new Promise<void>((resolve) => {
      wrote = resolve;
    });
    let gone = () => {};
    const given = new Promise<void>((resolve) => {
      gone = resolve;
    });
    server.add(backupService, {
      Backup: serverStream<Message<'BackupRequest'>, Message<'BackupResponse'>>(async function* (_, call) {
        yield { begun: { fab_id: 'tw', estimated_bytes: fromNumber(1 << 20) } };
        yield { data: Buffer.alloc(1000) };
        wrote();
        await new Promise((resolve) => call.signal.addEventListener('abort', resolve));
        gone();
      }),
    });
    const port = await server.bind('127.0.0.1', 0);
    t.after(() => server.close(0));
    const folder = temporaryFolder(t);
    const file = join(folder, 'tw.backup');
    const child = startWafersync(['backup', file, '--node', `127.0.0.1:${port}`]);
    const ran = ended(child);
    await writing;
    assert.deepEqual(readdirSync(folder), ['tw.backup.part']);
    child.kill(signal);
    const { code, stderr } = await ran;
    assert.equal(
      stderr,
      `wafersync: backup ${file} was interrupted, and nothing of it was kept. Begin it again.\n`,
    );
    assert.equal(code, 1);
    assert.deepEqual(readdirSync(folder), []);
    await given;
  });
}
