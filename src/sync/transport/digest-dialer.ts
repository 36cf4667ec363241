import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import type { FabId } from '../../clocks/dot.ts';
import { WafersyncError } from '../../errors.ts';
import type { Message } from '../../wire/message.ts';
import { verifyService } from '../../wire/services.ts';
import { GrpcCode } from '../../wire/status.ts';
import type { Cancel, World } from '../../world.ts';
import type { Answer, DialDigests, DigestPeer, Question } from '../verify/questions.ts';
import { unlessConnected } from './connecting.ts';
import { fromAnswer, toQuestion } from './digest-codec.ts';
import {
  channelOptions,
  connectWithinMs,
  failure,
  type GrpcTransportOptions,
  peerMetadata,
} from './grpc-transport.ts';

/** How long a peer may say nothing while it is asked, milliseconds. A check waits for what is fetched again. */
const SILENCE_MS = 120_000;

type Call = ClientDuplexStream<Message<'CompareDigestsRequest'>, Message<'CompareDigestsResponse'>>;

/** Dials other nodes to compare what they have. */
export function digestDialer(options: GrpcTransportOptions): DialDigests {
  return (peer) => new GrpcDigestPeer(options, peer);
}

/** Another node, asked on a connection of its own. */
class GrpcDigestPeer implements DigestPeer {
  readonly #world: Pick<World, 'after'>;
  readonly #peer: FabId;
  readonly #client: Client;
  readonly #call: Call;
  readonly #stopWaiting: Cancel;
  #bytes = 0;
  /** Who waits for an answer. */
  #waiting: { answered(answer: Answer): void; failed(error: WafersyncError): void } | null = null;
  #failure: WafersyncError | null = null;

  constructor(options: GrpcTransportOptions, peer: FabId) {
    this.#world = options.world;
    this.#peer = peer;
    const address = options.addressOf(peer);
    if (!address) {
      throw new WafersyncError('unavailable', `this node knows no address of ${peer}`, {
        hint: `Verify at ${peer}, which dials this node.`,
      });
    }
    this.#client = new Client(address, credentials.createInsecure(), channelOptions(options));
    const { path, requestSerialize, responseDeserialize } = verifyService.methods.CompareDigests;
    this.#call = this.#client.makeBidiStreamRequest(
      path,
      (message: Message<'CompareDigestsRequest'>) => this.#counted(requestSerialize(message)),
      (bytes: Buffer) => responseDeserialize(this.#counted(bytes)),
      peerMetadata(options.self()),
    );
    this.#call.on('data', (message: Message<'CompareDigestsResponse'>) => this.#heard(message));
    this.#call.on('error', (error) => this.#over(this.#plainly(error)));
    this.#call.on('end', () => this.#over(new WafersyncError('unavailable', `${peer} ended the comparison`)));
    const connecting = { client: this.#client, world: options.world, peer, address };
    this.#stopWaiting = unlessConnected({ ...connecting, withinMs: connectWithinMs(options) }, (error) =>
      this.#over(error),
    );
  }

  get bytes(): number {
    return this.#bytes;
  }

  ask<T extends Question['type']>(
    question: Extract<Question, { type: T }>,
    reading: (subjects: number) => void = () => {},
  ): ReturnType<DigestPeer['ask']> & Promise<never> {
    const answered = new Promise<Answer>((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      let cancel: Cancel = () => {};
      const wait = () => {
        cancel();
        cancel = this.#world.after('verify', SILENCE_MS, () => this.#over(this.#silent()));
      };
      this.#waiting = {
        answered: (answer) => {
          if (answer.type === 'reading') {
            reading(answer.subjects);
            wait();
            return;
          }
          cancel();
          this.#waiting = null;
          resolve(answer);
        },
        failed: (error) => {
          cancel();
          reject(error);
        },
      };
      wait();
      this.#call.write(toQuestion(question));
    });
    return answered as ReturnType<DigestPeer['ask']> & Promise<never>;
  }

  close(): void {
    this.#stopWaiting();
    this.#over(new WafersyncError('cancelled', 'the comparison is over'));
    this.#call.cancel();
    this.#client.close();
  }

  #heard(message: Message<'CompareDigestsResponse'>): void {
    try {
      this.#waiting?.answered(fromAnswer(message));
    } catch (thrown) {
      this.#over(WafersyncError.from(thrown, 'invalid'));
    }
  }

  #over(error: WafersyncError): void {
    this.#failure ??= error;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.failed(error);
  }

  #counted(bytes: Buffer): Buffer {
    this.#bytes += bytes.length;
    return bytes;
  }

  /** A peer of a version from before does not know the call. */
  #plainly(error: unknown): WafersyncError {
    if ((error as { code?: number }).code !== GrpcCode.UNIMPLEMENTED) return failure(error);
    return new WafersyncError(
      'precondition',
      `the version of wafersync at ${this.#peer} cannot be compared with`,
      {
        hint: 'Upgrade that node.',
        cause: error,
      },
    );
  }

  #silent(): WafersyncError {
    return new WafersyncError('unavailable', `${this.#peer} has not answered for ${SILENCE_MS / 1000} s`, {
      hint: 'Look at the log of that node, and verify again.',
    });
  }
}
