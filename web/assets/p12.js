// PKCS#12 (RFC 7292) made in this browser: key and passphrase are not sent anywhere. AES-256 and SHA-256, as the
// program itself writes it, so that OpenSSL, Java and Windows open it.
import { element, inside, oid, wrap } from "./der.js";

/** Rounds for what is encrypted, and of the MAC. */
const ROUNDS = 600000;
const MAC_ROUNDS = 10000;
/** The longest file with a key that is read. */
const LONGEST = 64 * 1024;

const english = document.documentElement.lang === "en";
const say = (chinese, englishWords) => (english ? englishWords : chinese);

const joined = (...parts) => {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};
const hex = (digits) => Uint8Array.from(digits.match(/../g), (two) => parseInt(two, 16));
const object = (digits) => wrap(0x06, hex(digits));
const octets = (bytes) => wrap(0x04, bytes);
const number = (value) => {
  const bytes = [value & 0xff];
  for (let left = value >>> 8; left > 0; left >>>= 8) bytes.unshift(left & 0xff);
  if (bytes[0] & 0x80) bytes.unshift(0);
  return wrap(0x02, Uint8Array.from(bytes));
};
const NULL = Uint8Array.of(0x05, 0x00);
const DATA = object("2a864886f70d010701");
const ENCRYPTED_DATA = object("2a864886f70d010706");
const SHA_256 = wrap(0x30, object("608648016503040201"), NULL);

/** What is wrong, in the reader's words. */
export class Refused extends Error {}

/** The blocks of a label in a PEM text. */
function blocks(pem, label) {
  const found = [];
  for (const [, body] of pem.matchAll(new RegExp(`-----BEGIN ${label}-----([^-]*)-----END ${label}-----`, "g"))) {
    const bare = body.replace(/\s+/g, "");
    if (!/^[A-Za-z0-9+/]+={0,2}$/.test(bare)) throw new Refused(say("PEM 已损坏。", "The PEM is damaged."));
    found.push(Uint8Array.from(atob(bare), (c) => c.charCodeAt(0)));
  }
  return found;
}

/** The public half that stands in a private key of PKCS#8: of RSA the modulus, of a curve the point. */
function publicHalf(pkcs8) {
  const [, algorithm, secret] = inside(element(pkcs8)[0], 0x30);
  const [key] = element(secret.value);
  const parts = inside(key, 0x30);
  if (oid(inside(algorithm, 0x30)[0]) === "1.2.840.113549.1.1.1") return parts[1].value;
  const point = parts.find((part) => part.tag === 0xa1);
  return point ? element(point.value)[0].value.subarray(1) : null;
}

/** The public key of a certificate: of RSA the modulus, else the bits. */
function publicKey(certificate) {
  const [body] = inside(element(certificate)[0], 0x30);
  const fields = inside(body, 0x30);
  const [algorithm, bits] = inside(fields[fields[0].tag === 0xa0 ? 6 : 5], 0x30);
  const key = bits.value.subarray(1);
  if (oid(inside(algorithm, 0x30)[0]) !== "1.2.840.113549.1.1.1") return key;
  return inside(element(key)[0], 0x30)[0].value;
}

const same = (a, b) => a.length === b.length && a.every((octet, place) => octet === b[place]);

/** PBES2 (RFC 8018): the algorithm and the ciphertext. */
async function protect(content, passphrase) {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const iv = crypto.getRandomValues(new Uint8Array(16));
  const secret = await crypto.subtle.importKey("raw", new TextEncoder().encode(passphrase), "PBKDF2", false, ["deriveKey"]);
  const rule = { name: "PBKDF2", hash: "SHA-256", salt, iterations: ROUNDS };
  const key = await crypto.subtle.deriveKey(rule, secret, { name: "AES-CBC", length: 256 }, false, ["encrypt"]);
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-CBC", iv }, key, content));
  const hmac = wrap(0x30, object("2a864886f70d0209"), NULL);
  const derive = wrap(0x30, object("2a864886f70d01050c"), wrap(0x30, octets(salt), number(ROUNDS), hmac));
  const cipher = wrap(0x30, object("60864801650304012a"), octets(iv));
  return [wrap(0x30, object("2a864886f70d01050d"), wrap(0x30, derive, cipher)), sealed];
}

/** RFC 7292 B.2 with SHA-256 for a key of 32 octets, which is one block: no more of the rule is needed. */
async function macKey(passphrase, salt) {
  const secret = new Uint8Array(2 * passphrase.length + 2);
  for (let i = 0; i < passphrase.length; i++) {
    secret[2 * i] = passphrase.charCodeAt(i) >> 8;
    secret[2 * i + 1] = passphrase.charCodeAt(i) & 0xff;
  }
  const filled = (bytes) => Uint8Array.from({ length: 64 * Math.ceil(bytes.length / 64) }, (_, i) => bytes[i % bytes.length]);
  let state = joined(new Uint8Array(64).fill(3), filled(salt), filled(secret));
  for (let round = 0; round < MAC_ROUNDS; round++) state = new Uint8Array(await crypto.subtle.digest("SHA-256", state));
  return crypto.subtle.importKey("raw", state, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}

const attribute = (digits, value) => wrap(0x30, object(digits), wrap(0x31, value));

/**
 * A PKCS#12 file of a key and its certificates, both PEM. The certificate of the key is found among them, whatever
 * their order. Throws `Refused`.
 */
export async function pkcs12(keyPem, certificatesPem, passphrase, name) {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----/.test(keyPem)) {
    throw new Refused(say("这个私钥有口令保护，请用下面的命令。", "This key is under a passphrase: use the command below."));
  }
  const [key] = blocks(keyPem, "PRIVATE KEY");
  if (!key) throw new Refused(say("文件中没有 PKCS#8 私钥（PRIVATE KEY）。", "There is no PKCS#8 key (PRIVATE KEY) in the file."));
  const certificates = blocks(certificatesPem, "CERTIFICATE");
  let half = null;
  try {
    half = publicHalf(key);
  } catch {
    throw new Refused(say("私钥已损坏。", "The private key is damaged."));
  }
  if (half === null) throw new Refused(say("私钥中没有公钥，无法核对，请用下面的命令。", "It does not hold its public half, so it cannot be checked: use the command below."));
  const own = certificates.findIndex((certificate) => same(publicKey(certificate), half));
  if (own < 0) throw new Refused(say("这个私钥不属于这张证书。", "This private key is not that of the certificate."));
  certificates.unshift(...certificates.splice(own, 1));

  const print = new Uint8Array(await crypto.subtle.digest("SHA-256", certificates[0])).subarray(0, 20);
  const shown = new Uint8Array(2 * name.length);
  for (let i = 0; i < name.length; i++) shown.set([name.charCodeAt(i) >> 8, name.charCodeAt(i) & 0xff], 2 * i);
  const friendly = attribute("2a864886f70d010914", wrap(0x1e, shown));
  const id = attribute("2a864886f70d010915", octets(print));
  // A SET OF is sorted by its encodings (X.690 11.6); the lengths differ before anything else does.
  const both = wrap(0x31, ...(friendly[1] <= id[1] ? [friendly, id] : [id, friendly]));

  const bags = certificates.map((certificate, place) => {
    const value = wrap(0x30, object("2a864886f70d01091601"), wrap(0xa0, octets(certificate)));
    const parts = [object("2a864886f70d010c0a0103"), wrap(0xa0, value)];
    return wrap(0x30, ...parts, ...(place === 0 ? [both] : []));
  });
  const [certAlgorithm, certSealed] = await protect(wrap(0x30, ...bags), passphrase);
  const info = wrap(0x30, DATA, certAlgorithm, wrap(0x80, certSealed));
  const certContent = wrap(0x30, ENCRYPTED_DATA, wrap(0xa0, wrap(0x30, number(0), info)));
  const [keyAlgorithm, keySealed] = await protect(key, passphrase);
  const shrouded = wrap(0x30, keyAlgorithm, octets(keySealed));
  const keyBag = wrap(0x30, object("2a864886f70d010c0a0102"), wrap(0xa0, shrouded), both);
  const keyContent = wrap(0x30, DATA, wrap(0xa0, octets(wrap(0x30, keyBag))));

  const safe = wrap(0x30, certContent, keyContent);
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", await macKey(passphrase, salt), safe));
  const macData = wrap(0x30, wrap(0x30, SHA_256, octets(mac)), octets(salt), number(MAC_ROUNDS));
  key.fill(0);
  return wrap(0x30, number(3), wrap(0x30, DATA, wrap(0xa0, octets(safe))), macData);
}

function keep(name, bytes) {
  const url = URL.createObjectURL(new Blob([bytes], { type: "application/x-pkcs12" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

/**
 * Makes a form work. `certificates` gives them in PEM, `held` the key in PEM if this page made it, so that nobody has
 * to look for its file.
 */
export function offer(form, certificates, held = () => null) {
  const field = (name) => form.elements.namedItem(name);
  const said = form.querySelector("[role=status]");
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    if (button.disabled) return;
    button.disabled = true;
    said.className = "";
    said.textContent = say("正在制作……", "Working…");
    try {
      const [file] = field("key").files;
      if (file && file.size > LONGEST) throw new Refused(say("文件太大，不是私钥。", "The file is too large for a key."));
      const key = file ? await file.text() : held();
      if (!key) throw new Refused(say("请选择私钥文件。", "Choose the file with the private key."));
      if (field("new").value !== field("again").value) throw new Refused(say("两次填写的口令不一致。", "The two passphrases differ."));
      const bytes = await pkcs12(key, await certificates(), field("new").value, form.dataset.name);
      keep(`${form.dataset.name}.p12`, bytes);
      field("new").value = "";
      field("again").value = "";
      said.className = "done";
      said.textContent = say("已保存：", "Saved: ") + `${form.dataset.name}.p12`;
    } catch (error) {
      said.className = "failed";
      said.textContent = error instanceof Refused ? error.message : say("未能制作，请用下面的命令。", "It could not be made: use the command below.");
    }
    button.disabled = false;
  });
}

const here = document.querySelector("form[data-p12-chain]");
if (here) {
  offer(here, async () => {
    const answer = await fetch(here.dataset.p12Chain, { cache: "no-store" });
    if (!answer.ok) throw new Refused(say("无法取得证书链，请刷新页面重试。", "The chain could not be fetched: reload the page."));
    return answer.text();
  });
}
