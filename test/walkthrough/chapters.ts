import { rmSync } from 'node:fs';
import type { Chapter } from './steps.ts';

const NODE = '--node 127.0.0.1:50051';
const CALL = 'grpcurl -plaintext -d';
const MONITOR = '127.0.0.1:50051 wafersync.v1.SyncMonitor';

const LAG: Chapter = {
  title: 'Who lags, and why',
  steps: [
    { says: 'A lot goes to all five, and all is well:' },
    { happens: 'All five run. A lot has been tested at tw.', run: (stage) => stage.makeLots(4) },
    {
      at: 'tw',
      types: `wafersync import LOT-001-01-03.stdf ${NODE} --wait all`,
      shows: [/az de il kr tw$/m],
    },
    { at: 'tw', types: `wafersync status ${NODE}`, shows: [/^5 fabs, nobody is known to be behind$/m] },
    {
      says: 'Then somebody at tw asks why kr does not see the next lot. `status` says who is behind, by how much and since when; the lines below its table say why. What cannot be reached from tw alone is a matter of one line; here it is all of them, so that the fault is at kr:',
    },
    {
      happens: "kr's uplink fails; then tw takes a lot.",
      run: async (stage) => {
        stage.cutOff('kr');
        await stage.until('tw', /^kr +no, dialled/m);
      },
    },
    {
      at: 'tw',
      types: `wafersync import LOT-002-01-03.stdf ${NODE} --wait tw,az,de,il`,
      shows: [/ az de il tw$/m],
    },
    {
      at: 'tw',
      types: `wafersync status ${NODE}`,
      shows: [
        /^5 fabs, BEHIND: kr lacks \d+ updates, born from .* ago on$/m,
        /^kr: is not connected with .*tw.*/m,
      ],
      only: [/^5 fabs[\s\S]*?\n\n/m],
    },
    {
      says: '`peers` knows what last went wrong with each lane, and what to do; `ListPeers` has the same for programs:',
    },
    {
      at: 'tw',
      types: `wafersync peers ${NODE}`,
      shows: [/^kr, live to, .* ago: .*127\.0\.0\.1:50065/m],
      only: [/^PEER +CONNECTED.*\n/m, /^kr .*/m, /^kr, live to.*/m],
    },
    {
      at: 'tw',
      types: `${CALL} '{}' ${MONITOR}/ListPeers`,
      shows: [/"fabId": "kr",\n(?:.*\n)? +"state": "PEER_CONDITION_DIALLING"/],
      only: [/^ +"fabId": "kr",\n[\s\S]*?(?=^ {6}"clock")/m],
    },
    {
      at: 'tw',
      types: `wafersync wafers --missing-at kr ${NODE}`,
      shows: [/^LOT-002\/LOT-002-01\/WS1 +pending .*kr \(\d+\)/m],
    },
  ],
};

const LOT: Chapter = {
  title: 'Is the lot complete everywhere?',
  steps: [
    {
      says: '`lot wait` ends when the lot is complete and equal at the fabs that are named, or with what is missing:',
    },
    {
      at: 'tw',
      types: `wafersync lot wait LOT-002 --at all --timeout 2 ${NODE}`,
      code: 2,
      shows: [/^lot LOT-002 is not complete and equal at az, de, il, kr, tw after \d/m, /^missing: .*kr/m],
    },
    {
      at: 'tw',
      types: `wafersync lot wait LOT-002 --at tw,az,de,il --timeout 60 ${NODE}`,
      shows: [/^lot LOT-002 is complete, and equal at az, de, il, tw$/m],
    },
    {
      happens: "kr's uplink is mended.",
      run: async (stage) => stage.mend('kr'),
    },
    {
      at: 'tw',
      types: `wafersync lot wait LOT-002 --at all --timeout 60 ${NODE}`,
      shows: [/^lot LOT-002 is complete, and equal at az, de, il, kr, tw$/m, /^kr +yes +digest/m],
    },
    {
      says: 'What is printed last is the receipt. Any client gets it, with the vector of the lot:',
    },
    {
      at: 'kr',
      types: `${CALL} '{"lot":"LOT-002","timeout_ms":60000}' ${MONITOR}/WaitForLot`,
      shows: [/"digest": "[^"]{20,}"/],
    },
  ],
};

const CONFLICT: Chapter = {
  title: 'Settle a conflict',
  steps: [
    {
      says: 'Somebody at de ships a wafer while somebody at tw, whom de cannot hear, holds it. Neither is wrong; a person has to say which stands:',
    },
    {
      happens: 'de is cut off for a moment.',
      run: async (stage) => {
        await stage.inSync();
        stage.cutOff('de');
        await stage.until('de', /^tw +no, dialled/m);
      },
    },
    {
      at: 'tw',
      types: `wafersync wafer patch LOT-001-01 --set '/holds/H1={"reason":"edge dies drift"}' --author mei --reason "look at the edge" ${NODE}`,
      shows: [/^written as tw:\d+/m],
    },
    {
      at: 'de',
      types: `wafersync wafer patch LOT-001-01 --set '/disposition="ship"' --author jonas --reason "the order is due" ${NODE}`,
      shows: [/^written as de:\d+/m],
    },
    {
      happens: 'de is back.',
      run: async (stage) => {
        stage.mend('de');
        await stage.inSync();
        await stage.until('az', /^1 conflict is open/m);
      },
    },
    {
      at: 'az',
      types: `wafersync conflicts list ${NODE}`,
      shows: [/^(?<conflict>[0-9a-f]{8}) +LOT-001\/LOT-001-01\/WS1 +guard +\/disposition +open/m],
    },
    {
      at: 'az',
      types: `wafersync conflicts show {conflict} ${NODE}`,
      shows: [/^(?<hold>tw:\d+) .* mei /m, /^de:\d+ .* jonas .*"ship"/m],
    },
    {
      at: 'az',
      types: `wafersync conflicts resolve {conflict} --choose {hold} --author ana --reason "mei is right" ${NODE}`,
      shows: [/is settled by az:\d+/],
    },
    {
      says: 'The edit that settles it goes to every fab as any other does, and says there who decided, and why:',
    },
    {
      happens: 'A moment later, at de:',
      run: async (stage) => {
        await stage.inSync();
        await stage.until('de', /^0 conflicts are open/m);
      },
    },
    {
      at: 'de',
      types: `wafersync conflicts explain LOT-001-01 /disposition ${NODE}`,
      shows: [/"hold"/, /ana/, /mei is right/],
    },
  ],
};

const MAINTENANCE: Chapter = {
  title: 'Take a fab down for maintenance',
  steps: [
    {
      says: 'A drained node takes nothing in, and says when everything that it has is elsewhere too:',
    },
    { at: 'il', types: `wafersync import LOT-003-01-03.stdf ${NODE}`, shows: [/this node$/m] },
    {
      at: 'il',
      types: `wafersync drain --reason "new disk" --wait --timeout 10min ${NODE}`,
      shows: [/^It is drained: it may be stopped\.$/m],
    },
    {
      at: 'il',
      types: `wafersync import LOT-004-01-03.stdf ${NODE}`,
      code: 1,
      shows: [/^wafersync: the node of il is drained for maintenance: new disk\. /m],
    },
    {
      happens: 'il: systemctl stop wafersync',
      run: async (stage) => {
        const code = await stage.cluster.stopNode('il', 'SIGTERM');
        if (code !== 0) throw new Error(`the node of il ended with ${code}`);
        await stage.until('tw', /^il +no, dialled/m);
      },
    },
    {
      at: 'tw',
      types: `wafersync import LOT-004-01-03.stdf ${NODE} --wait tw,az,de,kr`,
      shows: [/ az de kr tw$/m],
    },
    {
      at: 'tw',
      types: `wafersync status ${NODE}`,
      shows: [/^5 fabs, BEHIND: il lacks \d+ updates/m],
      only: [/^5 fabs[\s\S]*?\n\n/m],
    },
    {
      says: 'Before it is started again, `doctor` looks at what it will find:',
    },
    {
      at: 'il',
      types: 'wafersync doctor --config /etc/wafersync/wafersync.yaml',
      shows: [/^ok +database +\/var\/lib\/wafersync\/wafersync\.db is il's/m, /^ok +peer tw/m],
      // The links of this machine end at ports that its own connections are given as well.
      only: [/^ +CHECK[\s\S]*? +port .*\n/m, /^- +node[\s\S]*? +clock .*/m],
    },
    {
      happens: 'il: systemctl start wafersync',
      run: async (stage) => {
        await stage.cluster.startNode('il');
        await stage.inSync();
        await stage.connected('il');
      },
    },
    {
      at: 'il',
      types: `wafersync status ${NODE}`,
      shows: [/^0 updates are known elsewhere and not yet here/m, /^5 fabs, nobody is known to be behind$/m],
    },
    { at: 'il', types: `wafersync acts ${NODE}`, shows: [/node\.drain .* new disk$/m] },
  ],
};

const RESTORE: Chapter = {
  title: 'Restore a backup',
  steps: [
    { says: 'kr makes a backup, goes on, and loses its disk:' },
    {
      at: 'kr',
      types: `wafersync backup /backup/kr.backup ${NODE}`,
      shows: [/^\/backup\/kr\.backup is whole and checked$/m],
    },
    {
      at: 'kr',
      types: `wafersync wafer patch LOT-004-01 --set '/notes/kr-1={"text":"probe card changed"}' --author minjun --reason "for the record" ${NODE}`,
      shows: [/^written as kr:\d+/m],
    },
    {
      happens: 'The disk of kr is lost: its node stops, and a new disk is empty.',
      run: async (stage) => {
        await stage.inSync();
        await stage.cluster.stopNode('kr', 'SIGKILL');
        for (const suffix of ['', '-wal', '-shm', '.life'])
          rmSync(`${stage.cluster.databaseFile('kr')}${suffix}`, { force: true });
      },
    },
    {
      at: 'kr',
      types: 'wafersync restore /backup/kr.backup --config /etc/wafersync/wafersync.yaml --dry-run',
      shows: [/^kr +\d+ +1 +0$/m],
    },
    {
      at: 'kr',
      types: 'wafersync restore /backup/kr.backup --config /etc/wafersync/wafersync.yaml',
      shows: [/^restored to \/var\/lib\/wafersync\/wafersync\.db$/m],
      only: [/^restored[\s\S]*/m],
    },
    {
      happens: 'kr: systemctl start wafersync',
      run: async (stage) => {
        await stage.cluster.startNode('kr');
        await stage.inSync();
        await stage.connected('kr');
      },
    },
    {
      at: 'kr',
      types: `wafersync status ${NODE}`,
      shows: [/^ANOTHER EPOCH since .* \(restored\)/m, /^5 fabs, nobody is known to be behind$/m],
    },
    {
      says: 'To be sure, each of its wafers is compared with every other fab:',
    },
    {
      at: 'kr',
      types: `wafersync verify ${NODE}`,
      shows: [/^az +12 +\d+ +\d+ +0 +0 +0 +0 +\d/m, /^tw +12 /m],
    },
  ],
};

/** What operators ask for most, one after the other, at the same five fabs. */
export const CHAPTERS: readonly Chapter[] = [LAG, LOT, CONFLICT, MAINTENANCE, RESTORE];
