// SM3 (GB/T 32905-2016) for pages that check something themselves: browsers have no SM3 of their own.
// window.yinxin.sm3() takes bytes piece by piece; window.yinxin.hash(bytes) all at once.
"use strict";

(function () {
  const rotl = (x, n) => (x << n) | (x >>> (32 - n));

  // Both are Merkle-Damgård over blocks of 64 octets with the same padding; they differ in start and compression.
  function digester(start, compress) {
    const state = Uint32Array.from(start);
    const block = new Uint8Array(64);
    let filled = 0;
    let length = 0;
    const take = (bytes) => {
      for (let at = 0; at < bytes.length; ) {
        const part = bytes.subarray(at, at + 64 - filled);
        block.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled === 64) {
          compress(state, new DataView(block.buffer));
          filled = 0;
        }
      }
    };
    return {
      update(bytes) {
        length += bytes.length;
        take(bytes);
      },
      finish() {
        const bits = length * 8;
        const pad = new Uint8Array((filled < 56 ? 56 : 120) - filled + 8);
        pad[0] = 0x80;
        const view = new DataView(pad.buffer);
        view.setUint32(pad.length - 8, Math.floor(bits / 0x100000000));
        view.setUint32(pad.length - 4, bits >>> 0);
        take(pad);
        const out = new DataView(new ArrayBuffer(32));
        state.forEach((word, place) => out.setUint32(place * 4, word));
        return new Uint8Array(out.buffer);
      },
    };
  }

  // GB/T 32905-2016.
  function sm3() {
    const p0 = (x) => x ^ rotl(x, 9) ^ rotl(x, 17);
    const p1 = (x) => x ^ rotl(x, 15) ^ rotl(x, 23);
    const w = new Uint32Array(68);
    return digester(
      [0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e],
      (v, block) => {
        for (let j = 0; j < 16; j++) w[j] = block.getUint32(j * 4);
        for (let j = 16; j < 68; j++) {
          w[j] = p1(w[j - 16] ^ w[j - 9] ^ rotl(w[j - 3], 15)) ^ rotl(w[j - 13], 7) ^ w[j - 6];
        }
        let [a, b, c, d, e, f, g, h] = v;
        for (let j = 0; j < 64; j++) {
          const t = j < 16 ? 0x79cc4519 : 0x7a879d8a;
          const ss1 = rotl((rotl(a, 12) + e + rotl(t, j % 32)) | 0, 7);
          const ss2 = ss1 ^ rotl(a, 12);
          const ff = j < 16 ? a ^ b ^ c : (a & b) | (a & c) | (b & c);
          const gg = j < 16 ? e ^ f ^ g : (e & f) | (~e & g);
          const tt1 = (ff + d + ss2 + (w[j] ^ w[j + 4])) | 0;
          const tt2 = (gg + h + ss1 + w[j]) | 0;
          d = c;
          c = rotl(b, 9);
          b = a;
          a = tt1;
          h = g;
          g = rotl(f, 19);
          f = e;
          e = p0(tt2);
        }
        [a, b, c, d, e, f, g, h].forEach((word, place) => {
          v[place] ^= word;
        });
      },
    );
  }

  function hash(...pieces) {
    const making = sm3();
    for (const piece of pieces) making.update(piece);
    return making.finish();
  }

  window.yinxin = Object.assign(window.yinxin || {}, { digester, sm3, hash });
})();
