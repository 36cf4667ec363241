import { type FabId, formatDot } from '../../src/clocks/dot.ts';
import { WafersyncError } from '../../src/errors.ts';
import { DamagedUpdate } from '../../src/store/sealed.ts';
import type { Dice } from './dice.ts';
import type { Backup, Machine } from './machine.ts';
import type { NodeProcess } from './process.ts';
import type { Tamper } from './roads.ts';
import type { SimMesh } from './sim-mesh.ts';

/** One class of faults. */
export interface Fault {
  readonly name: string;
  /** Does it to a mesh. The undoing, if any, is timed by the fault itself. Tells whether anything was done. */
  happen(mesh: SimMesh, dice: Dice): boolean;
}

/** Names of the classes by which a fab loses what it had on disk. */
export const LOSING_DISKS: readonly string[] = [
  ...['disk-lost', 'log-lost', 'backup-restored', 'backup-over-database', 'snapshot-put-back'],
];

/** Name of the class that lets some nodes begin with an older program. */
export const OLDER_VERSION = 'older-version';

/** Copies that run beside their originals at once. */
const MAX_TWINS = 1;

const SECOND = 1_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Faults of the links. */
const LINKS: readonly Fault[] = [
  between('cut', (mesh, a, b, dice) => {
    mesh.cut(a, b, true);
    mesh.cut(b, a, true);
    mesh.later(dice.between(0.2, 8) * SECOND, () => {
      mesh.cut(a, b, false);
      mesh.cut(b, a, false);
    });
  }),
  between('asymmetric-cut', (mesh, a, b, dice) => {
    mesh.cut(a, b, true);
    mesh.later(dice.between(0.2, 8) * SECOND, () => mesh.cut(a, b, false));
  }),
  between('flapping', (mesh, a, b, dice) => {
    const flaps = 3 + dice.int(6);
    for (let i = 0; i < flaps; i++) {
      mesh.later(i * dice.between(100, 900), () => mesh.cut(a, b, i % 2 === 0));
    }
    mesh.later(flaps * SECOND, () => mesh.cut(a, b, false));
  }),
  {
    name: 'island',
    happen: (mesh, dice) => {
      const { fab } = dice.pick(mesh.machines);
      mesh.cutOff(fab, true);
      mesh.later(dice.between(1, 12) * SECOND, () => mesh.cutOff(fab, false));
      return true;
    },
  },
  { name: 'reset-stream', happen: (mesh) => mesh.network.loseOne() > 0 },
  between('slow-peer', (mesh, a, b, dice) => {
    mesh.stall(a, b, true);
    mesh.later(dice.between(0.5, 10) * SECOND, () => mesh.stall(a, b, false));
  }),
  between('bandwidth', (mesh, a, b, dice) => {
    const road = mesh.roads.road(a, b);
    road.bandwidth = 300 + dice.int(20_000);
    mesh.later(dice.between(1, 15) * SECOND, () => {
      road.bandwidth = Number.POSITIVE_INFINITY;
    });
  }),
  between('delay', (mesh, a, b, dice) => {
    const road = mesh.roads.road(a, b);
    const before = road.latencyMs;
    road.latencyMs = [500, 500 + dice.int(4000)];
    mesh.later(dice.between(1, 10) * SECOND, () => {
      road.latencyMs = before;
    });
  }),
  ...(['duplicate', 'reorder', 'replay', 'corrupt'] as const).map(
    (what): Fault => ({
      name: what,
      happen: (mesh, dice) => {
        const [a, b] = mesh.pair(dice);
        const due: Tamper[] = Array.from({ length: 1 + dice.int(3) }, () => what);
        mesh.roads.road(a, b).due.push(...due);
        // Counted when an update has met it.
        return false;
      },
    }),
  ),
];

/** Faults of processes and power. */
const PROCESSES: readonly Fault[] = [
  on('kill', (mesh, machine, dice) => {
    machine.crash();
    mesh.restartLater(machine, dice);
  }),
  on('stop', (mesh, machine, dice) => {
    mesh.stop(machine);
    mesh.restartLater(machine, dice);
  }),
  on('freeze', (mesh, machine, dice) => {
    mesh.freeze(machine, true);
    mesh.later(dice.between(0.1, 30) * SECOND, () => mesh.freeze(machine, false));
  }),
  // Counted when the commit has come, by Machine.
  planned('crash-before-commit', (machine) => machine.planCrash('before-commit', 'none')),
  planned('crash-after-commit', (machine) => machine.planCrash('after-commit', 'none')),
  planned('power-lost-in-commit', (machine) => machine.planCrash('in-commit', 'lost')),
  planned('power-cut-in-commit', (machine) => machine.planCrash('in-commit', 'cut')),
  planned('power-garbled-commit', (machine) => machine.planCrash('in-commit', 'garbled')),
  on('checkpoint', (_mesh, machine) => machine.checkpoint(null)),
  on('power-lost-in-checkpoint', (mesh, machine, dice) => {
    machine.checkpoint('cut');
    if (!machine.running) mesh.restartLater(machine, dice);
  }),
  on('rebuild', (_mesh, machine) => {
    try {
      machine.process?.store.rebuild();
    } catch (thrown) {
      // Refused, and nothing is changed.
      if (!(thrown instanceof DamagedUpdate)) throw thrown;
    }
  }),
];

/** Faults of disks. */
const DISKS: readonly Fault[] = [
  on('disk-lost', (mesh, machine, dice) => {
    machine.crash();
    machine.lossy = true;
    mesh.later(1, () => machine.options.disk.destroy());
    mesh.restartLater(machine, dice);
  }),
  // A backup is put in the place of the database: as a file of its own, into the old file, or with all that lies beside.
  putBack('backup-restored', ({ options: { disk } }, backup) => {
    disk.becomeAnother();
    disk.put(backup);
  }),
  putBack('backup-over-database', ({ options: { disk } }, backup) => disk.put(backup)),
  putBack('snapshot-put-back', ({ options: { disk } }, backup) => {
    disk.put(backup);
    disk.putLife(backup.life);
  }),
  {
    name: 'rot',
    happen: (mesh, dice) => {
      const machine = dice.pick(mesh.machines);
      const { running, doomed, frozen, options } = machine;
      const others = mesh.processes.filter(({ fab }) => fab !== machine.fab);
      // What has rotted at one fab may be lost with the disk of the other: nobody could give it back.
      if (!running || doomed || frozen || mesh.losesDisks) return false;
      // Each update at one fab alone, and only such as another has: else nobody could give it back.
      const dot = options.disk.rot(dice, (dot) => {
        return (
          !mesh.rotten.has(formatDot(dot)) && others.some(({ store }) => store.vectors.received.has(dot))
        );
      });
      if (dot) mesh.rotten.add(formatDot(dot));
      return dot !== null;
    },
  },
  {
    name: 'program-rot',
    happen: (mesh, dice) => {
      const machine = dice.pick(mesh.machines);
      const { running, doomed, frozen, options } = machine;
      const others = mesh.processes.filter(({ fab }) => fab !== machine.fab);
      // What has rotted at one fab may be lost with the disk of the other: nobody could give it back.
      if (!running || doomed || frozen || mesh.losesDisks) return false;
      const rotten = options.disk.rotProgram(dice, (digest) => {
        return !mesh.rotten.has(digest) && others.some(({ store }) => store.programs.has(digest));
      });
      if (rotten) mesh.rotten.add(rotten);
      return rotten !== null;
    },
  },
  {
    // The database without its log: what it was at the last checkpoint that was completed.
    name: 'log-lost',
    happen: (mesh, dice) => {
      const machine = dice.pick(mesh.machines);
      if (!machine.running || machine.doomed || machine.frozen) return false;
      const { checkpointed } = machine;
      if (!checkpointed) {
        machine.checkpoint(null);
        return false;
      }
      machine.checkpointed = null;
      mesh.ledger.mayFork(checkpointed.origin);
      mesh.ledger.mayFork(machine.process!.store.origin);
      machine.crash(() => ({ database: checkpointed.database, log: Buffer.alloc(0) }));
      machine.lossy = true;
      mesh.restartLater(machine, dice);
      return true;
    },
  },
  on('disk-full', (mesh, machine, dice) => {
    machine.fill(true);
    mesh.later(dice.between(1, 12) * SECOND, () => machine.fill(false));
  }),
];

/** Faults of clocks. */
const CLOCKS: readonly Fault[] = [
  on('clock-ahead', (_mesh, machine, dice) => machine.options.clock.step(dice.between(1, 3600) * SECOND)),
  on('clock-behind', (_mesh, machine, dice) => machine.options.clock.step(-dice.between(1, 3600) * SECOND)),
  on('clock-drift', (_mesh, machine, dice) => machine.options.clock.runAt(dice.between(-0.2, 0.2))),
  on('clock-backwards', (mesh, machine, dice) => {
    machine.options.clock.runAt(-1.5);
    mesh.later(dice.between(1, 10) * SECOND, () => machine.options.clock.runAt(0));
  }),
];

/** Faults of whole nodes, of versions and of what others send. */
const NODES: readonly Fault[] = [
  on('away-for-a-week', (mesh, machine, dice) => {
    mesh.stop(machine);
    mesh.clock.skip(7 * DAY);
    mesh.later(dice.between(5, 20) * SECOND, () => mesh.start(machine));
  }),
  {
    // Some begin with a program that does not know edits; each is replaced once.
    name: OLDER_VERSION,
    happen: (mesh, dice) => {
      const older = mesh.machines.filter(({ running, doomed, frozen, unknownKinds }) => {
        return running && !doomed && !frozen && unknownKinds.size > 0;
      });
      if (older.length === 0) return false;
      mesh.replaceProgram(dice.pick(older), new Set(), dice);
      return true;
    },
  },
  {
    name: 'clone',
    happen: (mesh, dice) => {
      const { machines, twins } = mesh;
      const single = machines.filter(({ fab }) => !twins.some((twin) => twin.fab === fab));
      const running = single.filter(({ running, doomed, frozen }) => running && !doomed && !frozen);
      if (running.length === 0 || twins.length >= MAX_TWINS) return false;
      mesh.clone(dice.pick(running));
      return true;
    },
  },
  on('poison-payload', (mesh, machine, dice) => mesh.poison(machine, 'payload', dice)),
  on('poison-kind', (mesh, machine, dice) => mesh.poison(machine, 'kind', dice)),
];

const OPERATOR = { author: 'operator', reason: 'so it is' };

/** Changes of who belongs to the mesh. Counted when they are durable where they were asked for. */
const MEMBERS: readonly Fault[] = [
  {
    // A node with an empty database begins, and some fab is told of it before or after.
    name: 'fab-added',
    happen: (mesh, dice) => {
      const machine = mesh.join();
      if (!machine) return false;
      const { fab } = machine;
      const ask = () => say(mesh, dice, 'fab-added', ({ fabs }) => fabs.add(fab, `${fab}:1`, OPERATOR), fab);
      const startMs = dice.between(0, 3) * SECOND;
      mesh.later(startMs, () => mesh.start(machine));
      mesh.later(startMs + dice.between(-1, 1) * startMs, ask);
      return false;
    },
  },
  {
    // It is cut off, goes on taking results, is evicted, and returns; some time it may be added again.
    name: 'fab-evicted',
    happen: (mesh, dice) => {
      const { fab } = dice.pick(mesh.machines);
      if (mesh.evicted.includes(fab) || mesh.machines.length < 3) return false;
      mesh.evicted.push(fab);
      mesh.cutOff(fab, true);
      mesh.later(dice.between(0.5, 4) * SECOND, () =>
        say(mesh, dice, 'fab-evicted', ({ fabs }) => fabs.evict(fab, fab, OPERATOR).then(() => {}), fab),
      );
      mesh.later(dice.between(4, 15) * SECOND, () => mesh.cutOff(fab, false));
      if (dice.chance(0.5)) {
        mesh.later(dice.between(5, 30) * SECOND, () =>
          say(mesh, dice, 'fab-taken-back', ({ fabs }) => fabs.add(fab, '', OPERATOR)),
        );
      }
      return false;
    },
  },
];

/** All classes of faults. */
export const FAULTS: readonly Fault[] = [
  ...[...LINKS, ...PROCESSES, ...DISKS, ...CLOCKS, ...NODES],
  ...MEMBERS,
];

/** An operator says something at some fab that runs, unless faults are over; it may be refused, as when a disk is full. */
function say(
  mesh: SimMesh,
  dice: Dice,
  what: string,
  word: (process: NodeProcess) => Promise<void>,
  notAt: FabId | null = null,
): void {
  const able = mesh.processes.filter(({ fab }) => fab !== notAt && !mesh.roads.frozen.has(fab));
  const knowing = able.filter((process) => process.knows('edit'));
  if (mesh.healed || knowing.length === 0) return;
  word(dice.pick(knowing)).then(
    () => mesh.count(what),
    (thrown: unknown) => {
      if (WafersyncError.from(thrown).code === 'internal') mesh.failures.push(thrown);
    },
  );
}

function between(name: string, happen: (mesh: SimMesh, a: FabId, b: FabId, dice: Dice) => void): Fault {
  return {
    name,
    happen: (mesh, dice) => {
      const [a, b] = mesh.pair(dice);
      happen(mesh, a, b, dice);
      return true;
    },
  };
}

function on(name: string, happen: (mesh: SimMesh, machine: Machine, dice: Dice) => void): Fault {
  return {
    name,
    happen: (mesh, dice) => {
      const machine = dice.pick(mesh.machines);
      if (!machine.running || machine.doomed || machine.frozen) return false;
      happen(mesh, machine, dice);
      return true;
    },
  };
}

/** A database goes back to what it was when it was copied. */
function putBack(name: string, put: (machine: Machine, backup: Backup) => void): Fault {
  return {
    name,
    happen: (mesh, dice) => {
      const machine = dice.pick(mesh.machines);
      if (!machine.running || machine.doomed || machine.frozen) return false;
      if (!machine.backup) {
        machine.backUp();
        return false;
      }
      const { backup } = machine;
      machine.backup = null;
      mesh.ledger.mayFork(backup.origin);
      machine.crash();
      machine.lossy = true;
      mesh.later(1, () => put(machine, backup));
      mesh.restartLater(machine, dice);
      return true;
    },
  };
}

/** A crash that waits for its commit. */
function planned(name: string, plan: (machine: Machine) => void): Fault {
  const fault = on(name, (_mesh, machine) => plan(machine));
  return {
    name,
    happen: (mesh, dice) => {
      fault.happen(mesh, dice);
      return false;
    },
  };
}
