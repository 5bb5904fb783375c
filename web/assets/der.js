// DER (X.690), as little of it as requests for certificates need: reading one in full, and writing one for a key
// that this browser made. What is read here is shown and nothing more; the server reads again, and decides.

/** @typedef {{tag: number, value: Uint8Array, whole: Uint8Array}} Element */

const LONGEST = 64 * 1024;

/** One element at the start of the bytes, and what stands behind it. */
export function element(bytes) {
  if (bytes.length < 2 || (bytes[0] & 0x1f) === 0x1f) throw new Error("DER");
  let length = bytes[1];
  let at = 2;
  if (length > 0x80) {
    const octets = length & 0x7f;
    if (octets > 3 || bytes.length < 2 + octets) throw new Error("DER");
    length = 0;
    for (; at < 2 + octets; at++) length = length * 256 + bytes[at];
  } else if (length === 0x80) {
    throw new Error("DER");
  }
  if (bytes.length < at + length) throw new Error("DER");
  const end = at + length;
  return [{ tag: bytes[0], value: bytes.subarray(at, end), whole: bytes.subarray(0, end) }, bytes.subarray(end)];
}

/** All elements one after another. */
export function elements(bytes) {
  const all = [];
  while (bytes.length > 0) {
    const [one, rest] = element(bytes);
    all.push(one);
    bytes = rest;
  }
  return all;
}

/** The elements inside one of this tag. */
export function inside(one, tag) {
  if (!one || one.tag !== tag) throw new Error("DER");
  return elements(one.value);
}

export function oid(one) {
  if (!one || one.tag !== 0x06 || one.value.length === 0) throw new Error("DER");
  const arcs = [];
  let arc = 0;
  for (const octet of one.value) {
    arc = arc * 128 + (octet & 0x7f);
    if (octet < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const first = Math.min(2, Math.floor(arcs[0] / 40));
  return [first, arcs[0] - first * 40, ...arcs.slice(1)].join(".");
}

const WORDS = {
  "2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST",
  "2.5.4.9": "street", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.17": "postalCode", "2.5.4.42": "GN",
  "1.2.840.113549.1.9.1": "emailAddress", "0.9.2342.19200300.100.1.25": "DC",
};

const CURVES = {
  "1.2.840.10045.3.1.7": "p256", "1.3.132.0.34": "p384", "1.2.156.10197.1.301": "sm2",
};

function text(one) {
  if (one.tag === 0x1e) {
    return new TextDecoder("utf-16be").decode(one.value);
  }
  return new TextDecoder("utf-8", { fatal: false }).decode(one.value);
}

/** The attributes of a name: pairs of a word and a value, in the order of the encoding. */
export function name(one) {
  const pairs = [];
  for (const set of inside(one, 0x30)) {
    for (const attribute of inside(set, 0x31)) {
      const [type, value] = inside(attribute, 0x30);
      const dotted = oid(type);
      pairs.push([WORDS[dotted] || dotted, text(value)]);
    }
  }
  return pairs;
}

/** The kind of a public key: `sm2`, `p256`, `rsa-2048`… */
export function kindOfKey(spki) {
  const [algorithm, bits] = inside(spki, 0x30);
  const [type, parameters] = inside(algorithm, 0x30);
  switch (oid(type)) {
    case "1.2.840.10045.2.1":
      return CURVES[oid(parameters)] || "EC " + oid(parameters);
    case "1.2.156.10197.1.301":
      return "sm2";
    case "1.3.101.112":
      return "ed25519";
    case "1.2.840.113549.1.1.1": {
      const [numbers] = element(bits.value.subarray(1));
      const modulus = inside(numbers, 0x30)[0].value;
      return "rsa-" + (modulus[0] === 0 ? modulus.length - 1 : modulus.length) * 8;
    }
    default:
      return oid(type);
  }
}

function addresses(bytes) {
  if (bytes.length === 4) return bytes.join(".");
  const groups = [];
  for (let i = 0; i + 1 < bytes.length; i += 2) groups.push(((bytes[i] << 8) | bytes[i + 1]).toString(16));
  return groups.join(":");
}

/** The alternative names in the extensions: pairs of a kind and a value. */
function altNames(extensions) {
  const found = [];
  for (const extension of extensions) {
    const parts = inside(extension, 0x30);
    if (oid(parts[0]) !== "2.5.29.17") continue;
    const [names] = element(parts[parts.length - 1].value);
    for (const one of inside(names, 0x30)) {
      const kind = { 0x81: "email", 0x82: "dns", 0x86: "uri", 0x87: "ip" }[one.tag];
      if (kind) found.push([kind, kind === "ip" ? addresses(one.value) : text(one)]);
    }
  }
  return found;
}

/** The bytes of a request in PEM or bare base64. */
export function fromPem(pem) {
  const block = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([^-]*)-----END/.exec(pem);
  const body = (block ? block[1] : pem).replace(/\s+/g, "");
  if (body.length > LONGEST * 1.4 || !/^[A-Za-z0-9+/]+={0,2}$/.test(body)) throw new Error("PEM");
  return Uint8Array.from(atob(body), (c) => c.charCodeAt(0));
}

/** Any bytes as PEM, lines of 64. */
export function toPem(label, bytes) {
  let binary = "";
  for (const octet of bytes) binary += String.fromCharCode(octet);
  const lines = btoa(binary).match(/.{1,64}/g) || [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** What a PKCS#10 (RFC 2986) asks for. Throws if it does not read. */
export function readRequest(bytes) {
  const [outer, rest] = element(bytes);
  if (rest.length > 0) throw new Error("DER");
  const parts = inside(inside(outer, 0x30)[0], 0x30);
  const [, subject, spki, attributes] = parts;
  let alternatives = [];
  if (attributes && attributes.tag === 0xa0) {
    for (const attribute of elements(attributes.value)) {
      const [type, values] = inside(attribute, 0x30);
      if (oid(type) === "1.2.840.113549.1.9.14") {
        alternatives = altNames(inside(inside(values, 0x31)[0], 0x30));
      }
    }
  }
  return { subject: name(subject), key: kindOfKey(spki), names: alternatives };
}

/** An element of this tag with these parts inside. */
export function wrap(tag, ...parts) {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = [tag];
  if (length < 0x80) head.push(length);
  else if (length < 0x100) head.push(0x81, length);
  else if (length < 0x10000) head.push(0x82, length >> 8, length & 0xff);
  else throw new Error("DER");
  const out = new Uint8Array(head.length + length);
  out.set(head);
  let at = head.length;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** An INTEGER of the 32 octets of a number without a sign. */
function integer(octets) {
  let from = 0;
  while (from < octets.length - 1 && octets[from] === 0) from++;
  const trimmed = octets.subarray(from);
  return trimmed[0] & 0x80 ? wrap(0x02, Uint8Array.of(0), trimmed) : wrap(0x02, trimmed);
}

/**
 * A new P-256 key, and a request that proves it. The request names nobody: names come from the form. Gives the request
 * and the private key (PKCS#8), both in PEM.
 */
export async function makeKey() {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const pair = await crypto.subtle.generateKey(algorithm, true, ["sign"]);
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey));
  const secret = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  const info = wrap(0x30, Uint8Array.of(0x02, 0x01, 0x00), wrap(0x30), spki, wrap(0xa0));
  const raw = new Uint8Array(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, info));
  const signature = wrap(0x30, integer(raw.subarray(0, 32)), integer(raw.subarray(32)));
  // ecdsa-with-SHA256, RFC 5758 3.2.
  const identifier = Uint8Array.of(0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02);
  const request = wrap(0x30, info, identifier, wrap(0x03, Uint8Array.of(0), signature));
  return { request: toPem("CERTIFICATE REQUEST", request), key: toPem("PRIVATE KEY", secret) };
}
