/** Bounds of one stream. Each may be set lower in tests. */
export interface StreamBounds {
  /** Results of one attempt; as many as an attempt's test count can say. */
  readonly attemptResults: number;
  /** (head, site) pairs with an attempt that has not ended. */
  readonly openSites: number;
  /** Results in attempts that have not ended, all sites together; about 24 bytes each. */
  readonly openResults: number;
  /** Results in stored attempts that are being compared with what was sent again; about 24 bytes each. */
  readonly comparedResults: number;
  /** Test definitions of one stream. */
  readonly definitions: number;
  /** Estimated bytes of those definitions. */
  readonly definitionBytes: number;
  /** Results that wait to be written before a batch goes out; also the most in one batch of several attempts. */
  readonly batchResults: number;
  /** The same in bytes of their columns. */
  readonly batchBytes: number;
  /** How long a whole attempt waits for others to share its batch, milliseconds. */
  readonly flushMs: number;
  /** Batches handed in and not yet durable. */
  readonly writesInFlight: number;
}

/** What a node uses. */
export const STREAM_BOUNDS: StreamBounds = {
  attemptResults: 65_535,
  openSites: 1_024,
  openResults: 1_048_576,
  comparedResults: 4_194_304,
  definitions: 65_535,
  definitionBytes: 4 * 1024 * 1024,
  batchResults: 8_192,
  batchBytes: 512 * 1024,
  flushMs: 5,
  writesInFlight: 4,
};

/** Longest text of any field of a result, in UTF-8 bytes. */
export const MAX_TEXT_BYTES = 1_024;
