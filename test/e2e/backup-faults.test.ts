import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, statSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { demoLot } from '../../src/generator/demo-lot.ts';
import { Cluster } from '../support/cluster.ts';
import { command, ended, startWafersync } from '../support/command.ts';
import { until } from '../support/grpc-client.ts';
import { json, ran, refused } from '../support/operator-mesh.ts';
import { importFile } from '../support/run-client.ts';
import { withSmallDisk } from '../support/small-disk.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { WanProxy } from '../support/wan-proxy.ts';

const BOUNDED = { timeout: 120_000 };

/** Slow enough that a copy is cut in its middle, whatever the machine. */
const SLOW = { bytesPerSecond: 150_000 };

/** So slow that a node which stops does not wait for the rest. */
const SLOWER = { bytesPerSecond: 5_000 };

/** A node that stops waits for open calls for some seconds. */
const GIVEN_UP = /BackupService\/Backup.*"details":"the node is stopping/;

/** What is said where the node went away: its own word, if it had time for one. */
const STOPPED = {
  SIGTERM:
    /^wafersync: the node (is stopping\. Try again when it is back\.\n$|at \S+ broke the call off, as one that stops does\. )/,
  SIGKILL: /^wafersync: the connection to the node at \S+ was lost( \(connection reset\))?\. Try again: /,
} as const;

/** A node with a lot, behind a link on which a backup takes some seconds. */
async function scene(t: TestContext) {
  const cluster = await Cluster.start(['tw']);
  t.after(() => cluster.stop());
  const lot = demoLot({ number: 1, wafers: 3 });
  await importFile(cluster.address('tw'), lot.fileName, lot.stdf);
  const link = await WanProxy.open(Number(cluster.address('tw').split(':')[1]));
  t.after(() => link.close());
  return { cluster, link };
}

/** Settles once so much of a backup has come that its copy is in its middle. */
async function inItsMiddle(folder: string, part: string): Promise<void> {
  const isThere = () => existsSync(part) && statSync(part).size > 0;
  if (isThere()) return;
  await new Promise<void>((resolve) => {
    const watcher = watch(folder, () => {
      if (!isThere()) return;
      watcher.close();
      resolve();
    });
  });
}

/** The next backup is made, though the one that was cut may take a moment to be noticed. */
async function makesTheNext(cluster: Cluster, t: TestContext): Promise<void> {
  const args = ['backup', join(temporaryFolder(t), 'next.backup'), '--node', cluster.address('tw')];
  const busy = /^wafersync: a backup is being made already, and this node makes one at a time\. Try again/;
  for (;;) {
    const { code, stderr } = await command(...args);
    if (code === 0) break;
    assert.match(stderr, busy);
  }
  assert.deepEqual(readdirSync(join(cluster.dataFolder('tw'), 'spool')), [], 'nor does the node keep a copy');
}

test(
  'a backup that is cut in its middle says why, leaves no file, and the node goes on',
  BOUNDED,
  async (t) => {
    const { cluster, link } = await scene(t);
    /** Begins a backup, does something in its middle; gives the line that says what happened. */
    const cutBy = async (folder: string, file: string, cut: () => void): Promise<string> => {
      link.set(SLOW, 'back');
      const running = ended(startWafersync(['backup', file, '--node', link.address]));
      await inItsMiddle(folder, `${file}.part`);
      cut();
      const { code, stdout, stderr } = await running;
      assert.deepEqual([code, stdout], [1, '']);
      return stderr;
    };

    await t.test('the disk fills', (inner) =>
      withSmallDisk(inner, 16, async (disk) => {
        const file = join(disk.folder, 'tw.backup');
        assert.equal(
          await cutBy(disk.folder, file, () => disk.fill()),
          `wafersync: backup ${file} cannot be written: ENOSPC. Free space there, or name a file elsewhere.\n`,
        );
        assert.deepEqual(readdirSync(disk.folder), ['filler']);
        await makesTheNext(cluster, inner);
      }),
    );

    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      await t.test(`the node is stopped by ${signal}`, async (inner) => {
        const folder = temporaryFolder(inner);
        let stopped: Promise<number | null> | null = null;
        const said = await cutBy(folder, join(folder, 'tw.backup'), () => {
          link.set(SLOWER, 'back');
          stopped = cluster.stopNode('tw', signal);
          // What the link holds still comes, and the end behind it.
          let gone = false;
          void stopped.then(() => {
            gone = true;
          });
          void until(() => gone || GIVEN_UP.test(cluster.log('tw'))).then(() => link.heal());
        });
        assert.match(said, STOPPED[signal]);
        assert.deepEqual(readdirSync(folder), []);
        await stopped;
        await cluster.startNode('tw');
        await makesTheNext(cluster, inner);
      });
    }

    const more = demoLot({ number: 2, wafers: 1 });
    await importFile(cluster.address('tw'), more.fileName, more.stdf);
    assert.match(await ran('status', '--node', cluster.address('tw')), /^4 wafers, /m);
  },
);

test(
  'a target that is there, or whose folder is not, is refused before the node is asked',
  BOUNDED,
  async (t) => {
    const cluster = await Cluster.start(['tw']);
    t.after(() => cluster.stop());
    const folder = temporaryFolder(t);
    const node = ['--node', cluster.address('tw')];
    const there = join(folder, 'there');
    writeFileSync(there, 'kept');
    mkdirSync(join(folder, 'folder'));
    assert.equal(
      await refused('backup', there, ...node),
      `wafersync: ${there} is there already, and a backup is never written over. Name another file, such as one with the date in its name.\n`,
    );
    assert.match(
      await refused('backup', join(folder, 'folder'), ...node),
      /^wafersync: \S+folder is there already, and a backup is never written over\. /,
    );
    const nowhere = join(folder, 'no', 'tw.backup');
    assert.equal(
      await refused('backup', nowhere, ...node),
      `wafersync: backup ${nowhere} cannot be written: ENOENT. Check that its folder is there and that this user may write to it.\n`,
    );
    assert.deepEqual(readdirSync(folder).sort(), ['folder', 'there']);
    const { told } = await json('backup', join(folder, 'tw.backup'), ...node);
    assert.equal(told.fab_id, 'tw');
  },
);
