import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BufSubscription, bufCall, bufCurl, bufFailure, type Json } from '../support/buf-curl.ts';
import { Cluster, FABS, type Fab } from '../support/cluster.ts';

const STREAM = '/wafersync.v1.TestEquipment/StreamTestResults';
const HISTORY = '/wafersync.v1.TestEquipment/GetHistoricalTests';
const STATUS = '/wafersync.v1.DataSync/SyncWaferData';
const REFLECTION = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
const ALL = [...FABS].sort();

/** Five results as a tester without any of the optional fields sends them. */
function fiveResults(wafer: string): Json[] {
  return [
    [0, 0, 'VDD', 1.25, true],
    [0, 0, 'IDDQ', 3.5e-6, true],
    [0, -1, 'VDD', 1.1, false],
    [7, -1, 'VDD', 1.24999, true],
    [7, -1, 'IDDQ', -0.1, true],
  ].map(([die_x, die_y, test_name, test_value, pass_fail], i) => ({
    equipment_id: 'T-1',
    wafer_id: wafer,
    ...{ die_x, die_y, test_name, test_value, pass_fail },
    timestamp_us: 1_780_000_000_000_001 + i,
  }));
}

/** Fields 1 to 8 of a result as buf prints it, absent ones at their default. */
function firstFields(result: Json): Json {
  return {
    equipment_id: result.equipmentId,
    wafer_id: result.waferId,
    die_x: result.dieX ?? 0,
    die_y: result.dieY ?? 0,
    test_name: result.testName,
    test_value: result.testValue ?? 0,
    pass_fail: result.passFail ?? false,
    timestamp_us: Number(result.timestampUs ?? 0),
  };
}

describe('five real processes and a stranger with buf curl, without proto files', () => {
  let cluster: Cluster;
  const at = (fab: Fab) => cluster.address(fab);

  before(async () => {
    cluster = await Cluster.start();
  });

  after(async () => {
    await cluster.stop();
  });

  /** Settles when every fab has all of a wafer, as one fab tells it. */
  async function synced(fab: Fab, wafer: string): Promise<Json> {
    const subscription = new BufSubscription(at(fab), STATUS, { wafer_id: wafer });
    try {
      return await subscription.message(({ state }) => state === 'SYNCED');
    } finally {
      await subscription.end();
    }
  }

  for (const version of ['grpc-v1', 'grpc-v1alpha']) {
    test(`services and methods are listed by reflection ${version}`, async () => {
      const reflect = ['--reflect-protocol', version];
      const services = await bufCurl(at('tw'), '', ...reflect, '--list-services');
      assert.deepEqual(services.stdout.trim().split('\n'), [
        'grpc.health.v1.Health',
        'grpc.reflection.v1.ServerReflection',
        'grpc.reflection.v1alpha.ServerReflection',
        'wafersync.v1.BackupService',
        'wafersync.v1.ConflictService',
        'wafersync.v1.DataSync',
        'wafersync.v1.RetentionService',
        'wafersync.v1.RunService',
        'wafersync.v1.SyncControl',
        'wafersync.v1.SyncMonitor',
        'wafersync.v1.TestEquipment',
        'wafersync.v1.VerifyService',
        'wafersync.v1.WaferService',
      ]);
      const { stdout } = await bufCurl(at('tw'), '', ...reflect, '--list-methods');
      for (const path of [STREAM, HISTORY, STATUS, '/wafersync.v1.DataSync/PullWaferData']) {
        assert.ok(stdout.includes(`${path.slice(1)}\n`), `${path} is among the methods`);
      }
    });
  }

  test('a message is described with the files that it needs', async () => {
    const [answer] = await bufCall(at('az'), REFLECTION, {
      file_containing_symbol: 'wafersync.v1.SyncStatus',
    });
    const { fileDescriptorProto } = answer!.fileDescriptorResponse as { fileDescriptorProto: string[] };
    const text = fileDescriptorProto.map((file) => Buffer.from(file, 'base64').toString('latin1')).join();
    for (const name of ['wafersync/v1/sync.proto', 'SyncStatus', 'wafer_id', 'synced_fabs', 'SYNCED']) {
      assert.ok(text.includes(name), name);
    }
  });

  test('health says that the node and each of its services serve', async () => {
    const services = ['', 'wafersync.v1.TestEquipment', 'wafersync.v1.DataSync'];
    const check = (service: string) => bufCall(at('il'), '/grpc.health.v1.Health/Check', { service });
    for (const answer of await Promise.all(services.map(check))) {
      assert.deepEqual(answer, [{ status: 'SERVING' }]);
    }
  });

  test('the fabs of the mesh are told without a request', async () => {
    const [answer] = await bufCall(at('de'), '/wafersync.v1.SyncControl/ListFabs', {});
    const fabs = answer!.fabs as { fabId: string; state: string }[];
    assert.deepEqual(
      fabs.map(({ fabId, state }) => [fabId, state]),
      ALL.map((fab) => [fab, 'FAB_STATE_MEMBER']),
    );
  });

  test('five results with fields 1 to 8 go in at one fab, come out at another, and are SYNCED at all five', async () => {
    const results = fiveResults('W-1');
    const [ack] = await bufCall(at('tw'), STREAM, ...results);
    assert.deepEqual([ack!.accepted, ack!.throughSequence, ack!.passed], ['5', '5', '2']);
    assert.match(String(ack!.runId), /^[0-9a-f]{32}$/);
    for (const fab of ['tw', 'de'] as const) {
      const status = await synced(fab, 'W-1');
      assert.deepEqual(status, { waferId: 'W-1', state: 'SYNCED', syncedFabs: ALL });
    }
    const stored = await bufCall(at('kr'), HISTORY, { wafer_id: 'W-1' });
    assert.deepEqual(stored.map(firstFields), results);
    assert.deepEqual(
      stored.map(({ fabId, runId, lastOfDie = false }) => [fabId, runId, lastOfDie]),
      [false, true, true, false, true].map((last) => ['tw', ack!.runId, last]),
    );
  });

  test('a subscription that is there before the wafer tells when it comes, and until all five have it', async () => {
    const subscription = new BufSubscription(at('il'), STATUS, { wafer_id: 'W-2' });
    try {
      assert.deepEqual(await subscription.message(() => true), { waferId: 'W-2' });
      await bufCall(at('az'), STREAM, ...fiveResults('W-2'));
      await subscription.message(({ state, syncedFabs }) => {
        return state === 'SYNCED' && JSON.stringify(syncedFabs) === JSON.stringify(ALL);
      });
      for (const { state = 'none', syncedFabs = [], missingFabs = [] } of subscription.messages.slice(1)) {
        const [synced, missing] = [syncedFabs as string[], missingFabs as string[]];
        assert.equal(state, missing.length === 0 ? 'SYNCED' : 'PENDING');
        assert.deepEqual([...synced, ...missing].sort(), ALL);
      }
    } finally {
      await subscription.end();
    }
  });

  test('JSON in the forms that people type is understood: either case, numbers as text, NaN, what is absent', async () => {
    await bufCall(
      at('kr'),
      STREAM,
      { equipmentId: 'T-2', waferId: 'W-3', dieX: '4', testName: 'A', testValue: '1.5', passFail: true },
      { equipment_id: 'T-2', wafer_id: 'W-3', die_x: 4, test_name: 'B', test_value: 'NaN', lowLimit: 0 },
      { equipment_id: 'T-2', wafer_id: 'W-3', die_x: 4, test_name: 'C', test_value: '-Infinity' },
      { equipment_id: 'T-2', wafer_id: 'W-3', die_x: 5, test_name: 'A', timestamp_us: '1780000000000000' },
    );
    await synced('kr', 'W-3');
    const stored = await bufCall(at('tw'), HISTORY, { waferId: 'W-3' });
    assert.deepEqual(
      stored.map((r) => [
        r.dieX,
        r.dieY ?? 0,
        r.testName,
        r.testValue ?? 0,
        r.timestampUs ?? 0,
        r.lowLimit ?? null,
      ]),
      [
        [4, 0, 'A', 1.5, 0, null],
        [4, 0, 'B', 'NaN', 0, 0],
        [4, 0, 'C', '-Infinity', 0, null],
        [5, 0, 'A', 0, '1780000000000000', null],
      ],
    );
    const atOne = await bufCall(at('tw'), HISTORY, { wafer_id: 'W-3', x: 5, y: 0 });
    assert.equal(atOne.length, 1);
  });

  test('a wafer that nobody knows has no results', async () => {
    assert.deepEqual(await bufCall(at('de'), HISTORY, { wafer_id: 'NO-SUCH' }), []);
  });

  test('what a stranger does wrong is told in words: what, where, and what to do', async () => {
    const result = fiveResults('W-4')[0]!;
    const wrong: [path: string, message: Json, code: string, text: RegExp][] = [
      [STREAM, { ...result, equipment_id: '' }, 'invalid_argument', /^equipment_id is empty at /],
      [
        STREAM,
        { ...result, test_name: '' },
        'invalid_argument',
        /^test_name is empty at sequence 1 of stream/,
      ],
      [
        STREAM,
        { ...result, head: 256 },
        'invalid_argument',
        /^head 256 is not within 0 to 255 at sequence 1/,
      ],
      [STATUS, { wafer_id: '' }, 'invalid_argument', /^wafer_id is empty\. Send one message/],
      [
        STATUS,
        { wafer_id: 'W-4', delta_data: 'aGk=' },
        'invalid_argument',
        /^only nodes of the mesh send updates/,
      ],
      [HISTORY, { fab: 'TW' }, 'invalid_argument', /^fab id "TW" is not valid\. Use 1 to 16 of a-z/],
      [HISTORY, { from_us: 7, to_us: 7 }, 'invalid_argument', /^from_us 7 is not before to_us 7\./],
      [
        HISTORY,
        { to_us: '9223372036854775807' },
        'invalid_argument',
        /^to_us is 9223372036854775807, which is beyond/,
      ],
      [
        '/wafersync.v1.RunService/GetRun',
        { run_id: 'lot7' },
        'invalid_argument',
        /^run id "lot7" is not 32 hex/,
      ],
      [
        '/wafersync.v1.RunService/ReadRun',
        {},
        'invalid_argument',
        /^run id "" is not 32 hex digits\. Copy it/,
      ],
      [
        '/wafersync.v1.RunService/GetRun',
        { run_id: 'f'.repeat(32) },
        'not_found',
        /^run f{32} is not known here\./,
      ],
      [
        '/grpc.health.v1.Health/Check',
        { service: 'no.Such' },
        'not_found',
        /^there is no service "no\.Such"\./,
      ],
    ];
    const failures = wrong.map(async ([path, message, code, text]) => {
      const failure = await bufFailure(at('az'), path, message);
      assert.equal(failure.code, code, path);
      assert.match(String(failure.message), text);
    });
    await Promise.all(failures);
    assert.deepEqual(await bufCall(at('az'), HISTORY, { wafer_id: 'W-4' }), [], 'nothing of it is stored');
  });
});
