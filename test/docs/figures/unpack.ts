// Prints how fast files are decompressed, and how long the event loop stood still meanwhile: docs/adr/0015.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Decompressed } from '../../../src/ingest/stdf/decompress.ts';

const files = process.argv.slice(2);
if (files.length === 0) throw new Error('name files, such as lot.stdf.gz lot.stdf.bz2 lot.stdf.xz');

for (const file of files) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const began = performance.now();
  const before = process.cpuUsage();
  const chunks = new Decompressed(file, file);
  let bytes = 0;
  delay.enable();
  for await (const chunk of chunks) bytes += chunk.length;
  delay.disable();
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(before);
  const speed = (bytes / seconds / 1e6).toFixed(1);
  const cpu = ((user + system) / 1e6).toFixed(1);
  const stall = (delay.max / 1e6).toFixed(0);
  console.log(
    `${file}: ${chunks.compression}, ${speed} MB/s, ${cpu} s of processor, longest stall ${stall} ms`,
  );
}
