import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Environment, loadConfig, type NodeConfig } from '../../src/config/load.ts';
import { WafersyncError } from '../../src/errors.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** Writes `tw.yaml` in a folder of its own and answers its path. */
export function configFile(t: TestContext, text: string): string {
  const file = join(temporaryFolder(t), 'tw.yaml');
  writeFileSync(file, text);
  return file;
}

/** Loads a text as a configuration. */
export function load(t: TestContext, text: string, env: Environment = {}): NodeConfig {
  return loadConfig(configFile(t, text), env);
}

/** Lines of the problems that a text has, without the folder; throws where it has none. */
export function problemsOf(t: TestContext, text: string, env: Environment = {}): string[] {
  const file = configFile(t, text);
  try {
    loadConfig(file, env);
  } catch (error) {
    if (!(error instanceof WafersyncError) || error.code !== 'invalid') throw error;
    return error.message.replaceAll(file, 'tw.yaml').split('\n').slice(1);
  }
  throw new Error('the configuration has no problem');
}

/** A configuration that is right, to which a test adds. */
export const RIGHT = 'fab: tw\ndata_dir: data\n';
