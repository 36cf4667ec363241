// Loaded into a node before the program, by tests alone: its wall clock is off, by what is said for its fab.
const config = process.argv.at(-1) ?? '';
const skews: Readonly<Record<string, number>> = JSON.parse(process.env.WAFERSYNC_TEST_SKEWS_MS ?? '{}');
const skewMs = Object.entries(skews).find(([fab]) => config.includes(`/${fab}/`))?.[1] ?? 0;
const { now } = Date;

Date.now = () => now() + skewMs;
