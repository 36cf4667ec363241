import assert from 'node:assert/strict';
import { makeClient } from '../../src/api/client.ts';
import type { PeerJson } from '../../src/cli/peers/peer-json.ts';
import { toNumber } from '../../src/wire/long.ts';
import { syncMonitor } from '../../src/wire/services.ts';
import { at, type Condition, json, type OperatorMesh, ran, SKEW_MS } from './operator-mesh.ts';

/** What an operator has to be told of de at tw. */
export interface Told {
  /** Its state, in the words of `peers`. */
  readonly state: RegExp;
  /** Whether it lacks the second lot. */
  readonly behind: boolean;
  /** Whether its node answers whoever asks it. */
  readonly answers: boolean;
  /** Why it is not connected, or failed last, and what to do; null where there is nothing to tell. */
  readonly failure: readonly [reason: RegExp, remedy: RegExp] | null;
  /** A line of `status` about it. */
  readonly status: RegExp;
  /** Why it could not be compared; null where it was. */
  readonly notCompared: RegExp | null;
  /** What `lot wait` names as missing of the lot that de has; null where it is confirmed. */
  readonly missingOfOld: RegExp | null;
  /** How `doctor` finds it, and its clock. */
  readonly doctor: readonly [peer: RegExp, clock: RegExp];
}

const NEVER = /^no node answers there/;
const STANDS_STILL = /^no node answers at \S+ \(no answer in 4\.5 s\)$/;

/** What that is, by what is the matter with de. */
export const TABLE: Readonly<Record<Condition, Told>> = {
  up: {
    state: /^connected$/,
    behind: false,
    answers: true,
    failure: null,
    status: /^de +both ways +\S+ m?s +0 +/m,
    notCompared: null,
    missingOfOld: null,
    doctor: [/^ok .* answers, version /, /^ok /],
  },
  down: {
    state: /^dialling$/,
    behind: true,
    answers: false,
    failure: [NEVER, /^Start the node of de, or correct its address \(127\.0\.0\.1:\d+\) or the tunnel/],
    status: /^de: is not connected with (az, )?tw: no node answers there/m,
    notCompared: /^no node answers there.*\. Start the node of de, or correct its address \(127\./,
    missingOfOld: /^de: it cannot be asked: no node answers at 127\.\S+( \(.*\))?\. Start the node, or /,
    doctor: [/^warn no node answers at 127\.\S+.* Start the node of de, or correct/, /^ok /],
  },
  stopped: {
    state: /^(only-from|dialling)$/,
    behind: true,
    answers: false,
    failure: [STANDS_STILL, /^Look whether the node of de stands still, or a tunnel takes connections/],
    status:
      /^de: shown as the others know it, for it did not answer: no node answers at \S+ \(no answer in 3 s\)$/m,
    notCompared: /^no node answers at \S+ \(no answer in 4\.5 s\)\. Look whether the node of de stands still/,
    missingOfOld: /^de: it cannot be asked: it did not answer before time was up$/,
    doctor: [/^warn 127\.\S+: no answer in 3 s .*the node of de stands still/, /^ok /],
  },
  slow: {
    state: /^connected$/,
    behind: true,
    answers: true,
    failure: null,
    status: /^de +both ways +\S+ m?s +\d+ +\S+ KiB +/m,
    notCompared: null,
    missingOfOld: null,
    doctor: [/^ok .* answers, version /, /^ok /],
  },
  paused: {
    state: /^paused$/,
    behind: true,
    answers: true,
    failure: null,
    status: /^PAUSED: de, since 20.* UTC, until `wafersync peer resume de`; kim said: we looked$/m,
    notCompared: null,
    missingOfOld: null,
    doctor: [/^ok .* answers, version /, /^ok /],
  },
  skewed: {
    state: /^connected$/,
    behind: false,
    answers: true,
    failure: null,
    status: /^de: its clock is (9 min 59 s|10 min 0 s) ahead$/m,
    notCompared: null,
    missingOfOld: null,
    doctor: [
      /^ok .* answers, version /,
      /^fail that of de is .* ahead of this one.*: edits are held Run NTP/,
    ],
  },
};

/** A question to tw, and what the answer has to be. */
export type Ask = (mesh: OperatorMesh, told: Told) => Promise<void>;

/** Asks until what must be there is: on a machine with too much to do, a node that is well may be late. */
async function until<T>(ask: () => Promise<T>, holds: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (holds(answer)) return answer;
  }
}

/** By command. */
const COMMANDS: Readonly<Record<string, Ask>> = {
  peers: async ({ cluster, condition }, { state, behind, failure }) => {
    const { code, told } = await until(
      () => json('peers', ...at(cluster, 'tw')),
      (answer) => answer.told[0].state === 'connected' && answer.told[0].lacks_updates === 0,
    );
    assert.equal(code, 0);
    const [az, de] = told as [PeerJson, PeerJson];
    assert.deepEqual([az.fab_id, az.state, az.lacks_updates], ['az', 'connected', 0]);
    assert.match(de.state, state);
    assert.ok(de.since_ms > 0 && de.reported_at_ms > 0);
    assert.equal(de.lacks_updates > 0, behind);
    assert.equal(de.lacks_bytes > 0 && de.lacks_since_ms > 0, behind);
    if (failure) {
      assert.match(de.last_failure?.reason ?? '', failure[0]);
      assert.match(de.last_failure?.remedy ?? '', failure[1]);
    }
    const offset = de.clock?.offset_ms ?? 0;
    const expected = condition === 'skewed' ? SKEW_MS : 0;
    assert.ok(Math.abs(offset - expected) <= (de.clock?.uncertainty_ms ?? 0) + 1, JSON.stringify(de.clock));
    assert.match(
      await ran('peers', ...at(cluster, 'tw')),
      /^de +(both ways|no, dialled|only from it|paused) /m,
    );
  },
  status: async ({ cluster }, { status, behind, answers }) => {
    const [{ told }, text] = await Promise.all([
      until(
        () => json('status', ...at(cluster, 'tw')),
        ({ told: { mesh } }) => mesh[0].answered && (mesh[1].answered || !answers),
      ),
      until(
        () => ran('status', ...at(cluster, 'tw')),
        (said) => status.test(said),
      ),
    ]);
    const of = new Map(told.mesh.map((row: { fab_id: string }) => [row.fab_id, row]));
    const de = of.get('de') as { answered: boolean; behind_updates: number; error: string; why: string[] };
    assert.deepEqual([de.answered, de.error !== '', de.behind_updates > 0], [answers, !answers, behind]);
    assert.match(text, status);
    assert.match(
      text,
      behind ? /^3 fabs, BEHIND: de lacks \d+ updates?, /m : /^3 fabs, nobody is known to be behind$/m,
    );
    assert.doesNotMatch(text, /Deadline|LB pick|Resolution note/, "the library's words are not shown");
  },
  'fab list': async ({ cluster, condition }, { behind }) => {
    const { told } = await json('fab', 'list', ...at(cluster, 'tw'));
    const de = told.find(({ fab_id }: { fab_id: string }) => fab_id === 'de');
    assert.deepEqual([de.state, de.lacks_updates > 0], ['member', behind]);
    assert.equal(de.pause?.reason ?? '', condition === 'paused' ? 'we looked' : '');
    if (condition === 'down' || condition === 'paused') assert.equal(de.connected, false);
  },
  wafers: async ({ cluster, since }, { behind }) => {
    const { told } = await json('wafers', '--missing-at', 'de', ...at(cluster, 'tw'));
    assert.deepEqual(
      told.map(({ lot }: { lot: string }) => lot),
      behind ? [since.lot] : [],
    );
  },
  'lot status': async ({ cluster, since }, { behind }) => {
    const text = await ran('lot', 'status', since.lot, ...at(cluster, 'tw'));
    const fabs = behind
      ? /^all of it is at az, tw; missing at de \(\d+\)$/m
      : /^all of it is at az, de, tw$/m;
    assert.match(text, fabs);
  },
  'lot wait, of what de lacks': async ({ cluster, since }, { behind }) => {
    const wait = ['lot', 'wait', since.lot, '--at', 'all', '--timeout', behind ? '1' : '60'];
    const { code, told } = await json(...wait, ...at(cluster, 'tw'));
    assert.deepEqual([code, told.confirmed], behind ? [2, false] : [0, true]);
    assert.match(told.missing.join(), behind ? /^de is not known to have \d+ updates? of it$/ : /^$/);
  },
  'lot wait, of what de has': async ({ cluster, before }, { missingOfOld }) => {
    const wait = ['lot', 'wait', before.lot, '--at', 'all', '--timeout', missingOfOld ? '4' : '60'];
    const { code, told } = await until(
      () => json(...wait, ...at(cluster, 'tw')),
      ({ told: { fabs } }) => fabs[0].equal,
    );
    assert.equal(code, missingOfOld ? 2 : 0);
    assert.match(told.missing.join(), missingOfOld ?? /^$/);
    const equal = told.fabs.map((fab: { fab_id: string; equal: boolean }) => [fab.fab_id, fab.equal]);
    assert.deepEqual(equal, [
      ['az', true],
      ['de', missingOfOld === null],
      ['tw', true],
    ]);
  },
  'held list': async ({ cluster }) => {
    assert.equal(await ran('held', 'list', ...at(cluster, 'tw')), 'nothing is held\n');
  },
  acts: async ({ cluster, condition }) => {
    const { told } = await json('acts', ...at(cluster, 'tw'));
    const expected = condition === 'paused' ? [['peer.pause', 'de', 'kim']] : [];
    assert.deepEqual(
      told.map((one: Record<string, string>) => [one.act, one.about, one.author]),
      expected,
    );
  },
  purges: async ({ cluster }) => {
    assert.equal(await ran('purges', ...at(cluster, 'tw')), 'nothing was purged\n');
  },
  'purge --dry-run': async ({ cluster }, { behind }) => {
    const { told } = await json('purge', '--older-than', '0', '--dry-run', ...at(cluster, 'tw'));
    assert.deepEqual(
      told.blocks.map(({ fab_id }: { fab_id: string }) => fab_id),
      behind ? ['de'] : [],
    );
  },
  'verify, then verify --last': async ({ cluster }, { notCompared, behind }) => {
    const { code, told } = await until(
      () => json('verify', ...at(cluster, 'tw')),
      (answer) => answer.told.results[0].error === '',
    );
    const [az, de] = told.results;
    assert.deepEqual([code, told.findings], [notCompared ? 1 : 0, []]);
    assert.deepEqual([az.fab_id, az.error, az.different], ['az', '', 0]);
    assert.match(de.error, notCompared ?? /^$/);
    if (!notCompared) assert.equal(de.on_the_way > 0, behind, JSON.stringify(de));
    const last = (await json('verify', '--last', ...at(cluster, 'tw'))).told;
    assert.deepEqual([last.all_equal_us > 0, last.peers[0].equal_us > 0], [!notCompared, true]);
    assert.equal(last.peers[1].last.error, de.error);
  },
  doctor: async ({ cluster }, { doctor }) => {
    type Found = Record<'check' | 'state' | 'says' | 'remedy', string>;
    const lineOf = (found: readonly Found[], check: string) => {
      const { state = '', says = '', remedy = '' } = found.find((one) => one.check === check) ?? {};
      return `${state} ${says} ${remedy}`;
    };
    const { told } = await until(
      () => json('doctor', '--config', cluster.configFile('tw')),
      (found) => doctor[0].test(lineOf(found.told, 'peer de')) && /^ok /.test(lineOf(found.told, 'node')),
    );
    const line = (check: string) => lineOf(told, check);
    assert.match(line('peer de'), doctor[0]);
    assert.match(line('clock'), doctor[1]);
    assert.match(line('node'), /^ok version /);
  },
  conflicts: async ({ cluster }) => {
    assert.equal(await ran('conflicts', 'list', ...at(cluster, 'tw')), 'no conflicts stand\n');
  },
  'wafer show': async ({ cluster, since }, { behind }) => {
    const text = await ran('wafer', 'show', since.wafers[0]!, ...at(cluster, 'tw'));
    assert.match(text, behind ? /^pending: az tw have all .* de lack/m : /^synced: az de tw have all /m);
  },
};

/** RPCs that no command above asks as they are. */
const CALLS: Readonly<Record<string, Ask>> = {
  'SyncMonitor of wafers and lots': async ({ cluster, since }, { behind }) => {
    const monitor = makeClient(syncMonitor, cluster.address('tw'));
    const az = makeClient(syncMonitor, cluster.address('az'));
    try {
      const missing = behind ? ['de'] : [];
      const [wafer_id] = since.wafers;
      const { wafer } = await monitor.GetWaferStatus({ wafer_id: wafer_id! });
      assert.deepEqual(
        (wafer?.missing_fabs ?? []).map(({ fab_id }) => fab_id),
        missing,
      );
      const followed = [];
      for await (const { wafer: news, up_to_date } of monitor.WatchSyncStatus({ lot: since.lot })) {
        if (up_to_date) break;
        followed.push(...(news?.missing_fabs ?? []).map(({ fab_id }) => fab_id));
      }
      assert.deepEqual(followed, missing);
      const [here, there] = await Promise.all([
        monitor.GetLotDigest({ lot: since.lot }),
        az.GetLotDigest({ lot: since.lot }),
      ]);
      assert.ok(toNumber(here.updates) > 0);
      assert.equal(here.digest, there.digest);
    } finally {
      monitor.close();
      az.close();
    }
  },
};

/** Everything that can be asked. */
export const ASKS: Readonly<Record<string, Ask>> = { ...COMMANDS, ...CALLS };
