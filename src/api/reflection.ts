import { reflection, reflectionAlpha } from '../wire/services.ts';
import { GrpcCode } from '../wire/status.ts';
import { bidi } from './call.ts';
import type { MethodPolicy } from './call-policy.ts';
import type { Descriptors } from './descriptors.ts';
import type { ApiServer } from './server.ts';

/** A question of either version: the fields are the same. */
interface Question {
  readonly file_by_filename?: string | null;
  readonly file_containing_symbol?: string | null;
  readonly file_containing_extension?: {
    containing_type?: string | null;
    extension_number?: number | null;
  } | null;
  readonly all_extension_numbers_of_type?: string | null;
  readonly list_services?: string | null;
}

/** An answer of either version; one field is set. */
interface Answer {
  readonly file_descriptor_response?: { readonly file_descriptor_proto: Uint8Array[] };
  readonly list_services_response?: { readonly service: { readonly name: string }[] };
  readonly error_response?: { readonly error_code: number; readonly error_message: string };
}

/** A person may leave a client open between two questions, but not for ever. */
const POLICY: MethodPolicy = { idleMs: 600_000, quiet: true };

/**
 * Adds gRPC reflection, v1 and v1alpha, so that clients can list, describe and call without proto files.
 * It lists what the server has when it is asked, itself included.
 */
export function addReflection(server: ApiServer, descriptors: Descriptors): void {
  const answerTo = (question: Question) => answer(question, descriptors, server.services);
  const policies = { ServerReflectionInfo: POLICY };
  server.add(
    reflection,
    {
      ServerReflectionInfo: bidi(async function* (questions) {
        for await (const question of questions) yield respond(question, answerTo(question));
      }),
    },
    policies,
  );
  server.add(
    reflectionAlpha,
    {
      ServerReflectionInfo: bidi(async function* (questions) {
        for await (const question of questions) yield respond(question, answerTo(question));
      }),
    },
    policies,
  );
}

function respond<Q extends { readonly host: string }>(question: Q, found: Answer) {
  return { valid_host: question.host, original_request: question, ...found };
}

function answer(question: Question, descriptors: Descriptors, services: readonly string[]): Answer {
  const { file_by_filename: name, file_containing_symbol: symbol } = question;
  if (typeof name === 'string') return files(descriptors, name, `file ${name}`);
  if (typeof symbol === 'string') {
    return files(descriptors, descriptors.fileOf(symbol), `symbol ${symbol}`);
  }
  if (typeof question.list_services === 'string') {
    return { list_services_response: { service: services.map((service) => ({ name: service })) } };
  }
  const extended =
    question.file_containing_extension?.containing_type ?? question.all_extension_numbers_of_type;
  if (typeof extended === 'string') {
    return failure(GrpcCode.NOT_FOUND, `no message has extensions, ${extended} included`);
  }
  return failure(GrpcCode.INVALID_ARGUMENT, 'the request asks for nothing');
}

function files(descriptors: Descriptors, name: string | undefined, asked: string): Answer {
  const found = name === undefined ? undefined : descriptors.withImports(name);
  if (!found) return failure(GrpcCode.NOT_FOUND, `there is no ${asked}`);
  return { file_descriptor_response: { file_descriptor_proto: found.map((file) => file.bytes) } };
}

function failure(code: number, message: string): Answer {
  return { error_response: { error_code: code, error_message: message } };
}
