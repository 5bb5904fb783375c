// Checks in the browser that an entry is in the audit log, without taking the server's word for the arithmetic:
// entry -> leaf hash -> path -> root of the signed head (RFC 9162 2.1.3.2 with SM3). Needs sm3.js.
//
// A page says what to check with <section data-receipt="ADDRESS">: the receipt in JSON is fetched from there. With
// data-payload="ADDRESS" the payload is fetched as well and must have the digest that the entry names. An element
// [data-leaf="FIELD"] in the section must show what the leaf says. What was found is written into
// [data-verdict] and, step by step, into the list [data-steps].
//
// What this cannot show is that the head was signed by the log's key: SM2 is for `yinxin verify`. Instead the browser
// remembers the largest head it saw, and a log that later is shorter, or another one, is told.
"use strict";

(function () {
  const { hash } = window.yinxin;
  const english = document.documentElement.lang === "en";
  const say = (chinese, englishWords) => (english ? englishWords : chinese);
  const hex = (bytes) => Array.from(bytes, (octet) => octet.toString(16).padStart(2, "0")).join("");
  const bytesOf = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const same = (one, other) => one.length === other.length && one.every((octet, place) => octet === other[place]);

  // One DER element: its tag, its content, and what comes after it.
  function element(bytes) {
    const bad = new Error(say("不是有效的 DER。", "This is no DER."));
    if (bytes.length < 2) throw bad;
    let length = bytes[1];
    let start = 2;
    if (length & 0x80) {
      const octets = length & 0x7f;
      if (octets === 0 || octets > 4 || bytes.length < 2 + octets) throw bad;
      length = 0;
      for (let place = 0; place < octets; place++) length = length * 256 + bytes[2 + place];
      start = 2 + octets;
    }
    if (bytes.length < start + length) throw bad;
    return { tag: bytes[0], content: bytes.subarray(start, start + length), rest: bytes.subarray(start + length) };
  }

  function elements(bytes) {
    const all = [];
    for (let rest = bytes; rest.length > 0; ) {
      const next = element(rest);
      all.push(next);
      rest = next.rest;
    }
    return all;
  }

  function sequence(bytes) {
    const { tag, content, rest } = element(bytes);
    if (tag !== 0x30 || rest.length !== 0) throw new Error(say("不是预期的结构。", "This is not the expected structure."));
    return elements(content);
  }

  // Positions and milliseconds stay far below 2^53.
  function integer({ tag, content }) {
    const value = content.reduce((sum, octet) => sum * 256 + octet, 0);
    if (tag !== 0x02 || content.length === 0 || content[0] & 0x80 || !Number.isSafeInteger(value)) {
      throw new Error(say("不是预期的整数。", "This is not the expected number."));
    }
    return value;
  }

  const text = ({ content }) => new TextDecoder("utf-8", { fatal: true }).decode(content);

  // AuditEntry, as `ledger` defines it.
  function entryOf(leaf) {
    const parts = sequence(leaf);
    if (parts.length !== 12 || integer(parts[0]) !== 1) throw new Error(say("不是日志条目。", "This is no entry of the log."));
    const names = ["tenant", "person", "role", "channel", "event", "object", "outcome"];
    const entry = { seq: integer(parts[1]), time: integer(parts[2]), payloadDigest: parts[10].content };
    names.forEach((name, place) => {
      entry[name] = text(parts[3 + place]);
    });
    return entry;
  }

  // Checkpoint ::= SEQUENCE { body SEQUENCE { version, log, size, root, time }, signature }
  function headOf(der) {
    const [body, signature] = sequence(der);
    const parts = elements(body.content);
    if (body.tag !== 0x30 || signature === undefined || parts.length !== 5 || integer(parts[0]) !== 1) {
      throw new Error(say("不是签名的日志头。", "This is no signed head."));
    }
    return { log: parts[1].content, size: integer(parts[2]), root: parts[3].content, time: integer(parts[4]) };
  }

  const leafHash = (leaf) => hash(Uint8Array.of(0), leaf);
  const nodeHash = (left, right) => hash(Uint8Array.of(1), left, right);

  // RFC 9162 2.1.3.2.
  function leadsTo(leaf, seq, size, path, root) {
    if (seq >= size) return false;
    let [place, last, found] = [seq, size - 1, leaf];
    for (const sibling of path) {
      if (last === 0) return false;
      if (place % 2 === 1 || place === last) {
        found = nodeHash(sibling, found);
        while (place % 2 === 0 && place !== 0) {
          place = Math.floor(place / 2);
          last = Math.floor(last / 2);
        }
      } else {
        found = nodeHash(found, sibling);
      }
      place = Math.floor(place / 2);
      last = Math.floor(last / 2);
    }
    return last === 0 && same(found, root);
  }

  // Every step as [words, whether it holds]. Stops at nothing: the reader sees each.
  function checkReceipt(receipt, payload) {
    const leaf = bytesOf(receipt.entry);
    const entry = entryOf(leaf);
    const head = headOf(bytesOf(receipt.checkpoint));
    const path = receipt.path.map(bytesOf);
    const shown = leafHash(leaf);
    const steps = [
      [say(`条目自述位置为 ${entry.seq}`, `The entry itself says it is number ${entry.seq}`), entry.seq === receipt.seq],
      [
        say(`叶散列 ${hex(shown)}`, `Leaf hash ${hex(shown)}`) + say(`，经 ${path.length} 步`, `, ${path.length} steps up`),
        true,
      ],
      [
        say(`到达 ${head.size} 条日志的根 ${hex(head.root)}`, `Leads to the root ${hex(head.root)} of ${head.size} entries`),
        leadsTo(shown, entry.seq, head.size, path, head.root),
      ],
    ];
    if (payload !== null) {
      const digest = hash(payload);
      steps.push([
        say(`内容摘要 ${hex(digest)} 与条目一致`, `The content's digest ${hex(digest)} is the one in the entry`),
        same(digest, entry.payloadDigest),
      ]);
    }
    return { entry, head, steps };
  }

  // The largest head this browser saw. A shorter log is only an older receipt; the same length with another root is
  // another history.
  function remembered(head) {
    const name = "yinxin-head-" + hex(head.log);
    let known = null;
    try {
      known = JSON.parse(localStorage.getItem(name));
      if (known === null || known.size < head.size) {
        localStorage.setItem(name, JSON.stringify({ size: head.size, root: hex(head.root) }));
      }
    } catch {
      return null;
    }
    if (known === null || known.size !== head.size) return null;
    return [
      say("与本浏览器先前见过的日志头一致", "The same head as this browser saw before"),
      known.root === hex(head.root),
    ];
  }

  async function got(address) {
    const answer = await fetch(address, { cache: "no-store", redirect: "error" });
    if (!answer.ok) throw new Error(say("服务器没有给出：", "The server did not give it: ") + answer.status);
    return answer;
  }

  async function check(section) {
    const verdict = section.querySelector("[data-verdict]");
    const list = section.querySelector("[data-steps]");
    const payloadAt = section.dataset.payload;
    try {
      const receipt = await (await got(section.dataset.receipt)).json();
      const payload = payloadAt ? new Uint8Array(await (await got(payloadAt)).arrayBuffer()) : null;
      const { entry, head, steps } = checkReceipt(receipt, payload);
      for (const shown of section.querySelectorAll("[data-leaf]")) {
        const name = shown.dataset.leaf;
        if (shown.textContent.trim() !== entry[name]) {
          steps.push([say(`本页显示的 ${name} 与条目不符`, `What this page shows as ${name} is not what the entry says`), false]);
        }
      }
      const before = remembered(head);
      if (before !== null) steps.push(before);
      const good = steps.every(([, holds]) => holds);
      list.replaceChildren(
        ...steps.map(([words, holds]) => {
          const item = document.createElement("li");
          item.className = holds ? "pass" : "fail";
          const mark = document.createElement("b");
          mark.textContent = holds ? say("成立", "holds") : say("不成立", "fails");
          const said = document.createElement("span");
          said.textContent = words;
          item.append(mark, said);
          return item;
        }),
      );
      verdict.textContent = good
        ? say("已在本浏览器中验证：该条目在日志中，未被改动。", "Checked in this browser: the entry is in the log, unchanged.")
        : say("验证不通过。请立即报告安全员。", "The check failed. Tell the security officer at once.");
      section.dataset.checked = good ? "pass" : "fail";
    } catch (error) {
      verdict.textContent = say("未能验证：", "It could not be checked: ") + error.message;
      section.dataset.checked = "error";
    }
  }

  Object.assign(window.yinxin, { checkReceipt, leadsTo, leafHash, nodeHash });
  for (const section of document.querySelectorAll("[data-receipt]")) check(section);
})();
