import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { derivedId, isSecret, randomId, randomSecret, sha1, writerOf } from "../../../static/model/ids.js";

test("ids are 22 characters of base64url for 16 bytes, and unique", () => {
  const ids = Array.from({ length: 1000 }, randomId);
  for (const id of ids) assert.match(id, /^[A-Za-z0-9_-]{21}[AQgw]$/);
  assert.equal(new Set(ids).size, 1000);
});

test("secrets are 32 lower-case hexadecimal digits and unique", () => {
  const secrets = Array.from({ length: 100 }, randomSecret);
  assert.ok(secrets.every(isSecret));
  assert.equal(new Set(secrets).size, 100);
  assert.ok(!isSecret("A".repeat(32)) && !isSecret("a".repeat(31)));
});

test("SHA-1 is correct at every message length", () => {
  for (let length = 0; length < 200; length += 1) {
    const message = Uint8Array.from({ length }, (_, i) => (i * 37 + length) & 0xff);
    assert.equal(Buffer.from(sha1(message)).toString("hex"), createHash("sha1").update(message).digest("hex"));
  }
});

test("a derived id is a UUID of version 5", () => {
  // The name-based UUID of "www.example.com" among host names, from RFC 9562.
  const hostNames = "6ba7b8109dad11d180b400c04fd430c8";
  assert.equal(derivedId(hostNames, new TextEncoder().encode("www.example.com")), "LtZlfeknVouV4SZlqK6mog");
});

test("tabs of one browser have different writer ids and the same author", () => {
  const key = randomSecret();
  const [a, b] = [writerOf(key, randomSecret()), writerOf(key, randomSecret())];
  assert.notEqual(a.id, b.id);
  assert.equal(a.author, b.author);
});
