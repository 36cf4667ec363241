import { loadConfig, type NodeConfig } from '../../config/load.ts';
import { ConfigError } from '../../config/problem.ts';
import { WafersyncError } from '../../errors.ts';
import { realWorld } from '../../world.ts';
import { type Terminal, table } from '../output.ts';
import { ask } from './asked.ts';
import { type Finding, fail, ok } from './finding.ts';
import { checkClock, checkNode, checkPeers, checkPorts } from './network.ts';
import { checkPlace } from './place.ts';
import { checkPortRange } from './port-range.ts';

/** Options of `wafersync doctor`. */
export interface DoctorOptions {
  /** Path of the configuration. */
  readonly config: string;
  readonly json?: boolean;
}

const WORDS = { ok: 'ok', warn: 'WARN', fail: 'FAIL', skipped: '-' } as const;

/** Looks at what a node needs, whether it runs or not, and says what to do. Resolves to the exit code: 1 where something fails. */
export async function doctor(options: DoctorOptions, terminal: Terminal): Promise<number> {
  const findings = await look(options.config);
  if (options.json) terminal.out(JSON.stringify(findings));
  else terminal.out(findingsText(findings));
  return findings.some(({ state }) => state === 'fail') ? 1 : 0;
}

/** A row a finding, the remedies below; one of several findings of a check has its remedy beside it. */
function findingsText(findings: readonly Finding[]): string {
  const checks = findings.map(({ check }) => check);
  const isOneOfMany = ({ check }: Finding) => checks.indexOf(check) !== checks.lastIndexOf(check);
  const rows = findings.map((finding, i) => {
    const { check, state, says, remedy } = finding;
    const head = checks[i - 1] === check ? ['', ''] : [WORDS[state], check];
    return [...head, isOneOfMany(finding) ? `${says}. ${remedy}` : says];
  });
  const remedies = findings
    .filter((finding) => finding.remedy && !isOneOfMany(finding))
    .map(({ check, remedy }) => `${check}: ${remedy}`);
  return [table(['', 'CHECK', 'FOUND'], rows), ...(remedies.length > 0 ? ['', ...remedies] : [])].join('\n');
}

async function look(file: string): Promise<Finding[]> {
  let config: NodeConfig;
  try {
    config = loadConfig(file);
  } catch (thrown) {
    if (thrown instanceof ConfigError)
      return thrown.problems.map(({ says, remedy }) => fail('config', says, remedy));
    const { message, hint } = WafersyncError.from(thrown);
    return [fail('config', message, hint)];
  }
  const { listen, mesh, fab } = config;
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
  const [own, ...peers] = await Promise.all([
    ask(fab, `${host}:${listen.port}`, realWorld),
    ...mesh.peers.map((peer) => ask(peer.fab, peer.address, realWorld)),
  ]);
  return [
    ok('config', `${file} is in order: the node of ${fab}`),
    ...checkPlace(config),
    ...(await checkPorts(config, own!)),
    ...checkPortRange(config),
    checkNode(config, own!),
    ok('certificates', 'none are used: connections stay on this machine, or go through your tunnels'),
    ...checkPeers(config, peers),
    checkClock(config, peers),
  ];
}
