/** A text that is long enough for three blocks of `bzip2 -1`. */
export const TEXT = Buffer.from(
  Array.from(
    { length: 5000 },
    (_, i) => `wafer ${i >> 10}: the quick brown fox jumps over the lazy dog\n`,
  ).join(''),
);

/** {@link TEXT} by `bzip2 -1` 1.0.8. */
export const BZIP2 = fromBase64([
  'QlpoMTFBWSZTWbJkYEgAsNrZgAAQQABgED////AwAXgAMYAAAAAxgAAAABNVSaQ02kYR6R6jeqNIJHcEjoCRiCR8wSMQSOcE',
  'jaCRkCR5wSOQJHEEjSqqq5AkwCR3gkbwSNQSMoJGqCRqCRiCR8Akb4JG0EjwgkYBIzgkfYJGUEjdBI0gkbQSM4JHQEjjBI/Y',
  'JGYJHZBI/ASPEEjNBIwCRiCR7wSNMQSNyCR/QSOsEj/MUFZJlNZ/uIJ7QB151mAABBAADgQP///8DABmAAYwAEwABMMYACYA',
  'AmCaqU0mhptQ0GR6jeqOUEjrBI5wSMwSPkEjIJHqCRsCRiCRwBI1gkcYJGvJVLUAbqCWMwSOoJHdBI6QSMQSOiCR0gkZBI+I',
  'JG8EjaCR2QSMwSNASPuCRgEjcCR5cMISNoJG8EjnBI4gkfoJGkEj3QSPyCR2BI0QSMwSMgkegJGYJGEEj+gkecEj/MUFZJlN',
  'ZHFGqLwB8oVmAABBAAAwQP///8DABeNKBjAAAAACaqkAAAAAFKqNJpphGmTDUz1G4oo60ijjSKMFFH9SKMUij8pFGdIo0Uij',
  'XSKN9Io20ijdQTeIT6SiuxKKyEorqSisKCjopFHSkUYpFHOkUaqRRmUUeVIoxSKMqKK8EorAlFYiUVrJRMyijKkUcaRRtpFH',
  'ikUZUijkpFH/SKPNIoyUijFIoxSKPukUYpFGhSKPRRRp/aRR7F3JFOFCQKAQ41g=',
]);

/** {@link TEXT} by `xz -6` 5.4.1. */
export const XZ = fromBase64([
  '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj5AsnAK5dADuYSQaelVRiWJ6hF5ORzXufY5NfvurmPa4Xu+5t0LQ4KvsRAuc+qAJs',
  'ug0xemhkh23nMqhdOnsOzuDCBJeSgcemq99VAwJo9rAGGjzOPbO4dVyF9XEzUbNxdLpao6Qjw/8vTpbmqkPSHT07x57Nbok+',
  'IFNSPjErN4+VOp7dK2L0125BkPeou87A/g/3kAWMGkS8lLX0CqgSyywLwrlHGB2arya65onv2vMHCYqYAAAAABLkcxoxoLl7',
  'AAHKAaiWEABGJ8V1scRn+wIAAAAABFla',
]);

/** 40,000,000 zeros by `bzip2 -9`: a block that grows a millionfold. */
export const BZIP2_ZEROS = fromBase64([
  'QlpoOTFBWSZTWdjs3f4BMl9ACMAAABAACCAAMMwJqmmgSlFbUBKUV4u5IpwoSGx2bv8A',
]);

function fromBase64(lines: readonly string[]): Buffer {
  return Buffer.from(lines.join(''), 'base64');
}
