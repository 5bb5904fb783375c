// The envelope of an encryption key, packed anew for a token. Nothing is opened: both hold the same ciphertexts.
import { element, inside } from "./der.js";

/** The bytes of a base64 text. */
export const octets = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

/**
 * `SM2EnvelopedKey` (GB/T 35276-2017 7.4) as `ENVELOPEDKEYBLOB` (GM/T 0016-2012 6.4.10): integers little endian, fields
 * of 64 octets filled from the right.
 */
export function repacked(envelope) {
  const [, cipher, publicKey, privateKey] = inside(element(envelope)[0], 0x30);
  const [x, y, hash, wrapped] = inside(cipher, 0x30);
  const word = (value) => Uint8Array.of(value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, value >>> 24);
  const field = (number) => {
    const bytes = new Uint8Array(64);
    const significant = number.length > 32 ? number.subarray(number.length - 32) : number;
    bytes.set(significant, 64 - significant.length);
    return bytes;
  };
  // Behind the octet that counts unused bits; of the public key behind the 04 of SEC 1 as well.
  const point = publicKey.value.subarray(2);
  const parts = [
    word(1), word(0x401), word(256), field(privateKey.value.subarray(1)),
    word(256), field(point.subarray(0, 32)), field(point.subarray(32)),
    field(x.value), field(y.value), hash.value, word(wrapped.value.length), wrapped.value,
  ];
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
