#!/usr/bin/env python3
"""Verifies an evidence bundle of the confidential notary, independently.

A second implementation of sdk/FORMATS.md, section 12, written from that document
and from the standards it names, sharing no line with the Go one. It needs Python
3.8 and nothing else: what the standard library lacks (Ed25519, RSA, P-384, DER) is
here in its plainest form. It only verifies, so nothing in it is secret and nothing
has to take constant time.

Example:

    verify.py --log-key 'log.example/n+c070114d+AQAB...' --plugin-set 5fa8... \\
        --host-data feb6... --issuer https://contoso.weu.attest.azure.net \\
        --policy-hash p81Q... --jwks maa-keys.json session.bundle

Exit status: 0 verified, 1 usage or file, 2 something is false, 3 something is not
what was asked for, 5 something could not be checked.
"""

import argparse
import base64
import binascii
import hashlib
import hmac
import io
import json
import struct
import sys
import time
import zipfile
from datetime import datetime, timezone

# SHA-256 of the ARK certificates that AMD publishes: the hardware's trust anchors.
AMD_ARKS = (
    "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd",  # Milan
    "4c6598d19c18719c5dfd4a7d335f674e5bfe1d8f800cea2cf270c10d103db2f1",  # Genoa
    "1f084161a44bb6d93778a904877d4819cafa5d05ef4193b2ded9dd9c73dd3f6a",  # Turin
)


class Wrong(Exception):
    """A check failed. Its second argument is the exit status it calls for."""


def need(ok, why, status=2):
    if not ok:
        raise Wrong(why, status)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def unb64(text, url=False):
    """Decodes base64 in its one spelling: section 1."""
    raw = base64.b64decode(text + "=" * (-len(text) % 4), b"-_" if url else None, validate=True)
    again = (base64.urlsafe_b64encode(raw).rstrip(b"=") if url else base64.b64encode(raw)).decode()
    need(again == text, "base64 has another spelling")
    return raw


def unhex(text):
    raw = bytes.fromhex(text)
    need(raw.hex() == text, "hexadecimal has another spelling")
    return raw


def unique(pairs):
    need(len(dict(pairs)) == len(pairs), "JSON member stands twice")
    return dict(pairs)


def parse(text, one_encoding=True):
    value = json.loads(text, object_pairs_hook=unique)
    again = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    need(not one_encoding or again == text, "JSON is not in its one encoding")
    return value


def field(b):
    return struct.pack(">I", len(b)) + b


def transcript(name, *fields):
    """Section 2."""
    head = field(b"veriproof-notary/" + name.encode() + b"/v1")
    return head + b"".join(field(struct.pack(">Q", f) if isinstance(f, int) else f) for f in fields)


def edit_list(b):
    """Section 4.2: (plugin, label, place, length) of each edit."""
    n, at, out = int.from_bytes(b[:4], "big"), 4, []
    for _ in range(n):
        names = []
        for _ in range(3):
            need(at < len(b) and at + b[at] < len(b), "an edit list is cut short")
            names.append(b[at + 1 : at + 1 + b[at]].decode())
            at += 1 + b[at]
        need(at + 4 <= len(b), "an edit list is cut short")
        out.append((*names, int.from_bytes(b[at : at + 4], "big")))
        at += 4
    need(at == len(b), "bytes behind an edit list")
    return out


# Signatures. Ed25519: RFC 8032 section 5.1.7, without cofactor.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def ed_add(a, b):
    (x1, y1, z1, t1), (x2, y2, z2, t2) = a, b
    e, f = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    g, h = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    k, l, m, n = f - e, h - g, h + g, f + e
    return k * l % P, m * n % P, l * m % P, k * n % P


def ed_mul(s, point):
    out = (0, 1, 1, 0)
    while s:
        if s & 1:
            out = ed_add(out, point)
        point, s = ed_add(point, point), s >> 1
    return out


def ed_point(raw):
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    x2 = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(x2, (P + 3) // 8, P)
    x = x if x * x % P == x2 else x * pow(2, (P - 1) // 4, P) % P
    need(y < P and x * x % P == x2 and (x or not sign), "not a point of Ed25519")
    x = x if x & 1 == sign else P - x
    return x, y, 1, x * y % P


ED_BASE = ed_point(bytes.fromhex("5866666666666666666666666666666666666666666666666666666666666666"))


def ed25519(key, message, signature):
    need(len(key) == 32 and len(signature) == 64, "length of an Ed25519 key or signature")
    s = int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    left, right = ed_mul(s, ED_BASE), ed_add(ed_point(signature[:32]), ed_mul(h, ed_point(key)))
    same = (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0
    need(s < L and same, "Ed25519 signature does not hold")


def rsa_open(n, e, signature):
    size = (n.bit_length() + 7) // 8
    s = int.from_bytes(signature, "big")
    need(len(signature) == size and s < n and n.bit_length() >= 2048, "size of an RSA signature or key")
    return pow(s, e, n).to_bytes(size, "big")


def rs256(n, e, message, signature):
    """RFC 8017 section 8.2.2, SHA-256."""
    tail = bytes.fromhex("003031300d060960864801650304020105000420") + sha256(message)
    em = rsa_open(n, e, signature)
    need(em == b"\0\1" + b"\xff" * (len(em) - 2 - len(tail)) + tail, "RS256 signature does not hold")


def mgf1(seed, size):
    return b"".join(hashlib.sha384(seed + struct.pack(">I", i)).digest() for i in range(size // 48 + 1))[:size]


def pss384(n, e, message, signature):
    """RFC 8017 section 9.1.2, SHA-384, salt of 48 bytes, modulus of whole bytes."""
    em = rsa_open(n, e, signature)
    masked, h = em[:-49], em[-49:-1]
    db = bytes(a ^ b for a, b in zip(masked, mgf1(h, len(masked))))
    db = bytes([db[0] & 0x7F]) + db[1:]
    zeros, salt = db[:-48], db[-48:]
    good = em[-1] == 0xBC and masked[0] < 0x80 and zeros == bytes(len(zeros) - 1) + b"\1"
    need(good and hashlib.sha384(bytes(8) + hashlib.sha384(message).digest() + salt).digest() == h, "PSS signature does not hold")


P384 = 2**384 - 2**128 - 2**96 + 2**32 - 1
N384 = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973
B384 = 0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF
G384 = (
    0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
    0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F,
)


def ec_add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P384 == 0:
        return None
    slope = (3 * a[0] ** 2 - 3) * pow(2 * a[1], -1, P384) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, P384)
    x = (slope * slope - a[0] - b[0]) % P384
    return x, (slope * (a[0] - x) - a[1]) % P384


def ec_mul(k, point):
    out = None
    while k:
        if k & 1:
            out = ec_add(out, point)
        point, k = ec_add(point, point), k >> 1
    return out


def p384(key, message, r, s):
    """FIPS 186-5 section 6.4.2, SHA-384."""
    x, y = key
    need((y * y - x**3 + 3 * x - B384) % P384 == 0 and 0 < r < N384 and 0 < s < N384, "not a P-384 key or signature")
    e, w = int.from_bytes(hashlib.sha384(message).digest(), "big"), pow(s, -1, N384)
    point = ec_add(ec_mul(e * w % N384, G384), ec_mul(r * w % N384, key))
    need(point is not None and point[0] % N384 == r, "P-384 signature does not hold")


# DER and X.509 (RFC 5280), as much as AMD's chain has of it.
def der(raw):
    """Yields (tag, whole element, content) of each element in raw."""
    while raw:
        need(len(raw) >= 2, "DER is cut off")
        size, at = raw[1], 2
        if size & 0x80:
            at += size & 0x7F
            size = int.from_bytes(raw[2:at], "big")
        need(at + size <= len(raw), "DER is cut off")
        yield raw[0], raw[: at + size], raw[at : at + size]
        raw = raw[at + size :]


def oid(text):
    out = b""
    first, second, *rest = map(int, text.split("."))
    for n in [first * 40 + second] + rest:
        digits = [n & 0x7F]
        while n := n >> 7:
            digits.insert(0, n & 0x7F | 0x80)
        out += bytes(digits)
    return out


def moment(tag, text):
    form = "%y%m%d%H%M%SZ" if tag == 0x17 else "%Y%m%d%H%M%SZ"
    return datetime.strptime(text.decode(), form).replace(tzinfo=timezone.utc)


class Certificate:
    def __init__(self, raw):
        self.raw = raw
        (_, _, body), = der(raw)
        (_, self.tbs, inner), (_, algorithm, names), (_, _, signature) = der(body)
        self.algorithm, self.signature = [c for _, _, c in der(names)][0], signature[1:]
        _, _, (_, signed_algorithm, _), self.issuer, (_, _, validity), self.subject, (_, _, spki), *rest = der(inner)
        need(signed_algorithm == algorithm and signature[0] == 0, "certificate names two algorithms")
        self.begin, self.end = (moment(t, c) for t, _, c in der(validity))
        (_, _, _), (_, _, key) = der(spki)
        self.key = key[1:]
        self.extensions = {}
        for tag, _, content in rest:
            if tag == 0xA3:
                (_, _, content), = der(content)
                for _, _, one in der(content):
                    parts = list(der(one))
                    self.extensions[parts[0][2]] = parts[-1][2]

    def rsa(self):
        (_, _, body), = der(self.key)
        (_, _, n), (_, _, e) = der(body)
        return int.from_bytes(n, "big"), int.from_bytes(e, "big")

    def signed_by(self, other):
        need(self.issuer == other.subject and self.algorithm == oid("1.2.840.113549.1.1.10"), "certificate by somebody else")
        pss384(*other.rsa(), self.tbs, self.signature)

    def number(self, name):
        (tag, _, content), = der(self.extensions[oid("1.3.6.1.4.1.3704.1." + name)])
        need(tag == 2, "certificate extension is no number")
        return int.from_bytes(content, "big")


PEM_BEGIN, PEM_END = "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n"


def pem(certificate):
    text = base64.b64encode(certificate.raw).decode()
    return PEM_BEGIN + "".join(text[i : i + 64] + "\n" for i in range(0, len(text), 64)) + PEM_END


# Section 11.1.
def zip_again(files):
    body, directory = b"", b""
    for name, data in files:
        common = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 33, binascii.crc32(data), len(data), len(data), len(name), 0)
        directory += b"PK\1\2" + struct.pack("<H", 20) + common + bytes(10) + struct.pack("<I", len(body)) + name
        body += b"PK\3\4" + common + name + data
    count, size, offset = len(files), len(directory), len(body)
    if count > 65535:
        directory += b"PK\6\6" + struct.pack("<QHHQQQQQ", 44, 45, 45, 0, count, count, size, offset)
        directory += b"PK\6\7" + struct.pack("<IQI", 0, offset + size, 1)
        count = 65535
    return body + directory + b"PK\5\6" + bytes(4) + struct.pack("<HHII", count, count, size, offset) + bytes(2)


ALWAYS = {"receipt.jws", "runtime-data.json", "config.yaml"}
OPTIONAL = {"proof.tlog-proof", "epoch-end.entry", "epoch-end.tlog-proof"}
OF_EPOCH = {"runtime-data.json", "config.yaml", "maa.jwt", "maa-jwks.json", "report.bin", "vcek-chain.pem", "uvm.cose", "cce-policy.rego"}
OPENING = ["index", "kind", "salt", "edit_commitment", "resource", "scope", "record", "edit_key", "edits", "path"]


class Bundle:
    """One session part's evidence. Checks are methods; each says what it found, or raises Wrong."""

    def __init__(self, raw, args):
        self.raw, self.args = raw, args

    def encoding(self):
        with zipfile.ZipFile(io.BytesIO(self.raw)) as z:
            self.files = {i.filename: z.read(i) for i in z.infolist()}
        names = sorted(n.encode() for n in self.files if n != "manifest.json")
        again = zip_again([(n, self.files[n.decode()]) for n in [b"manifest.json"] + names])
        need(again == self.raw, "the file is not in its one encoding")
        parts = [{"path": n.decode(), "sha256": sha256(self.files[n.decode()]).hex()} for n in names]
        media = "application/vnd.veriproof.notary.bundle.v1+zip"
        head = json.dumps({"format": "1", "media_type": media, "parts": parts}, separators=(",", ":")).encode()
        need(self.files["manifest.json"] == head, "manifest.json has other digests")
        need(ALWAYS <= self.files.keys(), "a part is missing")
        for n in self.files:
            known = n in OF_EPOCH | OPTIONAL | ALWAYS | {"manifest.json"} or n.removeprefix("origin/") in OF_EPOCH
            need(known or n.removeprefix("origin/").startswith("plugins/") or n.startswith("records/"), "part of another name: " + n)
        return "%d bytes, %d parts" % (len(self.raw), len(names))

    def receipt(self):
        """Section 5."""
        header, body, signature = self.files["receipt.jws"].decode().split(".")
        self.text = unb64(body, url=True)
        self.manifest = m = parse(self.text)
        self.runtime = parse(self.files["runtime-data.json"])
        self.notary = n = self.runtime["notary"]
        x = n["signing_key"]
        kid = base64.urlsafe_b64encode(sha256(('{"crv":"Ed25519","kty":"OKP","x":"%s"}' % x).encode())).rstrip(b"=").decode()
        need(unb64(header, True).decode() == '{"alg":"EdDSA","kid":"%s","typ":"veriproof-notary-receipt+jws"}' % kid, "receipt has another header")
        ed25519(unb64(x, True), (header + "." + body).encode(), unb64(signature, True))
        self.commitment = sha256(transcript("commitment", self.text))
        me = {"epoch": n["epoch"], "runtime_data": sha256(self.files["runtime-data.json"]).hex()}
        need(m["v"] == "1" and m["sealed_by"] == me, "the manifest was sealed by another epoch")
        need(m["reason"] != "recovered", "a recovered part has two epochs, which this program does not look at", 5)
        need(m["origin"] == dict(me, plugin_set=n["plugin_set"], mode=n["mode"]), "the manifest has another origin")
        need(n["mode"] == "enforce", "mode is %s" % n["mode"], 3)
        self.sealed = datetime.fromtimestamp(m["host_clock"]["sealed_unix_nano"] / 1e9, timezone.utc)
        return "number %d of epoch %s, %d leaves, sealed %s for %r" % (m["seq"], n["epoch"][:12], m["leaves"], self.sealed.isoformat(), m["reason"])

    def config(self):
        need(sha256(self.files["config.yaml"]).hex() == self.notary["config"], "config.yaml is not what the runtime data names")
        for name, plugin in self.notary["plugins"].items():
            need(sha256(self.files["plugins/%s.config" % name]).hex() == plugin["config"], "configuration of plugin %s" % name)
        return "configuration and that of %d plugins" % len(self.notary["plugins"])

    def plugins(self):
        need(self.notary["plugin_set"] in self.args.plugin_set, "plugin set is %s" % self.notary["plugin_set"], 3)
        return "plugin set " + self.notary["plugin_set"]

    def counts(self, when, part):
        """Section 6: a cosignature from the future does not count, nor one too far from the sealing."""
        if part == "proof.tlog-proof" and self.args.cosigned_within and abs(when - self.sealed.timestamp()) > self.args.cosigned_within:
            return False
        return when <= time.time() + 300

    def proof(self, part, commitment, too_few=3):
        """Section 6: returns the commitment's index in the log."""
        lines, head, signatures = self.files[part].decode().split("\n\n")
        version, index, *path = lines.split("\n")
        origin, size, root = head.split("\n")
        need(version == "c2sp.org/tlog-proof@v1" and index == "index %d" % int(index[6:]) and size == str(int(size)), "form of the proof")
        index = int(index[6:])
        need(climb(sha256(b"\0", commitment), index, int(size), [unb64(p) for p in path]) == unb64(root), "inclusion path does not lead to the root")
        need(signatures.endswith("\n"), "form of the proof")
        keys = {}
        for vkey, kind in [(k, 1) for k in self.args.log_key] + [(k, 4) for k in self.args.witness]:
            name, key_id, raw = vkey.split("+", 2)
            raw = base64.b64decode(raw)
            need(sha256(name.encode(), b"\n", raw)[:4].hex() == key_id and raw[0] == kind, "not a vkey: " + vkey, 1)
            keys[name, key_id] = raw
        signed, cosigned = False, set()
        for line in signatures[:-1].split("\n"):
            dash, name, signature = line.split(" ")
            signature = unb64(signature)
            key = keys.get((name, signature[:4].hex()))
            if dash == "\u2014" and key and key[0] == 1 and name == origin:
                ed25519(key[1:], (head + "\n").encode(), signature[4:])
                signed = True
            elif dash == "\u2014" and key and key[0] == 4:
                when = int.from_bytes(signature[4:12], "big")
                ed25519(key[1:], ("cosignature/v1\ntime %d\n%s\n" % (when, head)).encode(), signature[12:])
                if self.counts(when, part):
                    cosigned.add(key)
        need(signed, "the checkpoint of %r is signed by no key that was given" % origin, 3)
        need(len(cosigned) >= self.args.quorum, "cosigned by %d witnesses" % len(cosigned), too_few)
        self.log = origin
        return index

    def logged(self):
        self.index = self.proof("proof.tlog-proof", self.commitment)
        return "commitment %s is entry %d of %s" % (self.commitment.hex()[:12], self.index, self.log)

    def order(self):
        """Section 11.3."""
        raw = self.files["epoch-end.entry"]
        before, header, chain, flags, signature, body = raw[:32], raw[32:134], raw[134:166], raw[166], raw[167:231], raw[235:]
        epoch, seq, kind = header[1:17], int.from_bytes(header[17:25], "big"), header[25]
        need(header[0] == 1 and flags == 1 and header[26:70] == bytes(44) and raw[231:235] == struct.pack(">I", len(body)), "form of the entry")
        need(header[70:] == sha256(body) and chain == sha256(transcript("chain", before, header)), "chain of the entry")
        need(epoch.hex() == self.notary["epoch"] and seq > self.manifest["last_seq"], "the entry ends something else")
        need(kind == 11, "the epoch ended in a fence, whose author a bundle does not show", 5)
        ed25519(unb64(self.notary["signing_key"], True), transcript("position", epoch, seq, chain), signature)
        end = parse(body)
        last = end["manifests"] != self.manifest["seq"] + 1 or end["last"] == self.commitment.hex()
        need(end["manifests"] > self.manifest["seq"] and last, "the close does not account for the receipt")
        index = self.proof("epoch-end.tlog-proof", sha256(transcript("close-commitment", epoch, seq, chain)), too_few=5)
        need(index > self.index, "the receipt came into the log behind the end of its epoch")
        return "before the end of its epoch, entry %d" % index

    def records(self):
        """Section 7."""
        shown = sorted(n for n in self.files if n.startswith("records/"))
        for name in shown:
            o = parse(self.files[name])
            need(list(o) in (OPENING[:7] + OPENING[9:], OPENING), "members of " + name)
            need(name == "records/%08d.json" % o["index"] and o["kind"] in (1, 2, 3), "name or kind of " + name)
            commitment = unhex(o["edit_commitment"])
            if "edits" in o:
                need(hmac.digest(unhex(o["edit_key"]), transcript("edit-commitment", unb64(o["edits"])), "sha256") == commitment, "edit list of " + name)
                edits = edit_list(unb64(o["edits"]))
                if edits and edits[-1][:2] == ("notary", "DROPPED"):
                    need(not o["resource"] + o["scope"] + o["record"], "text of a dropped record in " + name)
            leaf = sha256(b"\0", unhex(o["salt"]), sha256(unb64(o["resource"])), sha256(unb64(o["scope"])), commitment, bytes([o["kind"]]), unb64(o["record"]))
            root = climb(leaf, o["index"], self.manifest["leaves"], [unhex(p) for p in o["path"]])
            need(root.hex() == self.manifest["root"], name + " is not a leaf of this part")
        return "%d disclosed records are leaves of the part" % len(shown)

    def token(self):
        """Microsoft Azure Attestation, reference path one."""
        need(self.args.jwks and self.args.issuer, "no --jwks and --issuer: the key set in a bundle is data, never an anchor", 5)
        head, body, signature = self.files["maa.jwt"].decode().split(".")
        header, claims = parse(unb64(head, True), False), parse(unb64(body, True), False)
        keys = [k for k in parse(self.args.jwks, False)["keys"] if k.get("kid") == header["kid"] and k["kty"] == "RSA"]
        need(header["alg"] == "RS256" and len(keys) == 1 and "crit" not in header, "no key %r of RS256 in the key set" % header["kid"])
        if "n" in keys[0]:
            n, e = (int.from_bytes(unb64(keys[0][m], True), "big") for m in ("n", "e"))
        else:
            n, e = Certificate(base64.b64decode(keys[0]["x5c"][0])).rsa()
        rs256(n, e, (head + "." + body).encode(), unb64(signature, True))
        now = self.sealed.timestamp()
        need(claims["nbf"] - 300 <= now <= claims["exp"] + 300, "token was not valid at the time of sealing", 4)
        need(claims["iss"] == self.args.issuer, "token of %s" % claims["iss"], 3)
        need(claims["x-ms-policy-hash"] == self.args.policy_hash, "policy hash is %s" % claims["x-ms-policy-hash"], 3)
        again = json.dumps(claims["x-ms-runtime"], sort_keys=True, separators=(",", ":")).encode()
        need(again == self.files["runtime-data.json"], "token is about other runtime data")
        want = {
            "x-ms-attestation-type": "sevsnpvm", "x-ms-compliance-status": "azure-compliant-uvm",
            "x-ms-sevsnpvm-is-debuggable": False, "x-ms-sevsnpvm-migration-allowed": False, "x-ms-sevsnpvm-vmpl": 0,
            "x-ms-sevsnpvm-reportdata": sha256(again).hex() + "00" * 32,
        }
        for claim, value in want.items():
            need(type(claims.get(claim)) is type(value) and claims[claim] == value, "%s is %r" % (claim, claims.get(claim)), 3)
        need(claims["x-ms-sevsnpvm-hostdata"] in self.args.host_data, "HOST_DATA is %s" % claims["x-ms-sevsnpvm-hostdata"], 3)
        self.token_id = claims["x-ms-sevsnpvm-reportid"]
        return "issued by %s, binds the runtime data" % claims["iss"]

    def hardware(self):
        """AMD SEV-SNP ABI, revision 1.58, table 23."""
        r = self.files["report.bin"]
        need(len(r) == 1184 and struct.unpack_from("<I", r, 0x34)[0] == 1 and not any(r[0x330:]), "form of the report")
        blocks = self.files["vcek-chain.pem"].decode().split(PEM_END)[:-1]
        chain = [Certificate(base64.b64decode(b.removeprefix(PEM_BEGIN))) for b in blocks]
        need("".join(map(pem, chain)).encode() == self.files["vcek-chain.pem"], "the chain is not in its one encoding")
        vcek, ask, ark = chain
        need(sha256(ark.raw).hex() in self.args.ark, "unknown root certificate %s" % sha256(ark.raw).hex(), 3)
        for certificate, by in ((ark, ark), (ask, ark), (vcek, ask)):
            need(certificate.begin <= self.sealed <= certificate.end, "certificate was not valid at the time of sealing", 4)
            certificate.signed_by(by)
        need(vcek.key[0] == 4 and len(vcek.key) == 97, "VCEK is no P-384 key")
        key = int.from_bytes(vcek.key[1:49], "big"), int.from_bytes(vcek.key[49:], "big")
        p384(key, r[:0x2A0], int.from_bytes(r[0x2A0:0x2E8], "little"), int.from_bytes(r[0x2E8:0x330], "little"))
        turin = b"Turin" in ark.subject[2]
        for name, at in (("3.1", 1 if turin else 0), ("3.2", 2 if turin else 1), ("3.3", 3 if turin else 6), ("3.8", 7)):
            need(vcek.number(name) == r[0x180 + at], "the VCEK is that of another TCB")
        hwid = vcek.extensions[oid("1.3.6.1.4.1.3704.1.4")]
        need(hwid == r[0x1A0 : 0x1A0 + len(hwid)] and len(hwid) == (8 if turin else 64), "the VCEK is that of another chip")
        need(r[0x50:0x90] == sha256(self.files["runtime-data.json"]) + bytes(32), "the report binds other runtime data")
        policy = struct.unpack_from("<Q", r, 8)[0]
        need(not policy >> 18 & 3 and r[0x30:0x34] == bytes(4), "debugging or migration is on, or VMPL is not 0", 3)
        need(r[0xC0:0xE0].hex() in self.args.host_data, "HOST_DATA is %s" % r[0xC0:0xE0].hex(), 3)
        if "cce-policy.rego" in self.files:
            need(sha256(self.files["cce-policy.rego"]) == r[0xC0:0xE0], "the container policy is another")
        need(getattr(self, "token_id", r[0x140:0x160].hex()) == r[0x140:0x160].hex(), "token and report are of two guests")
        return "signed by the VCEK of chip %s under a pinned root, binds the runtime data" % r[0x1A0:0x1A8].hex()

    def measurement(self):
        raise Wrong("the endorsement of the utility VM is not looked at; the token's compliance status says that MAA did", None)


def climb(leaf, index, size, path):
    """RFC 6962 section 2.1.1, as in section 4.3."""
    need(0 <= index < size, "index beyond the tree")
    inner = (index ^ (size - 1)).bit_length()
    need(len(path) == inner + bin(index >> inner).count("1") and all(len(p) == 32 for p in path), "length of an inclusion path")
    for j, sibling in enumerate(path):
        left = j >= inner or index >> j & 1
        leaf = sha256(b"\1", sibling, leaf) if left else sha256(b"\1", leaf, sibling)
    return leaf


CHECKS = (
    ("bundle", Bundle.encoding), ("receipt", Bundle.receipt), ("configuration", Bundle.config), ("plugin set", Bundle.plugins),
    ("maa token", Bundle.token), ("hardware report", Bundle.hardware), ("utility vm (optional)", Bundle.measurement),
    ("log proof", Bundle.logged), ("log order (optional)", Bundle.order), ("records", Bundle.records),
)  # fmt: skip


def verify(raw, args, say=lambda *_: None):
    """Runs all checks and returns the exit status."""
    bundle, worst = Bundle(raw, args), []
    for name, check in CHECKS:
        try:
            state, text = "pass", check(bundle)
        except Wrong as wrong:
            text, status = wrong.args if len(wrong.args) == 2 else (wrong.args[0], 2)
            state = "not-done" if status in (5, None) else "fail"
            if not (state == "not-done" and name.endswith("(optional)")):
                worst.append(status)
        except KeyError as missing:
            state, text = "not-done", "there is no %s" % missing
            if not name.endswith("(optional)"):
                worst.append(5)
        except Exception as e:
            state, text = "fail", "malformed: %s" % type(e).__name__
            worst.append(2)
        say("%-9s %-22s %s" % (state, name, text))
    return min(worst, default=0)


def arguments(argv=None):
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("bundle")
    p.add_argument("--log-key", action="append", default=[], metavar="VKEY", help="key of the commitment log (C2SP signed-note)")
    p.add_argument("--witness", action="append", default=[], metavar="VKEY", help="key of a witness of that log (C2SP tlog-cosignature)")
    p.add_argument("--quorum", type=int, default=0, metavar="N", help="how many of them must have cosigned")
    p.add_argument("--cosigned-within", type=int, default=0, metavar="SECONDS", help="how far from the sealing a cosignature may be; any time before now by default")
    p.add_argument("--plugin-set", action="append", default=[], metavar="HEX", help="accepted plugin set")
    p.add_argument("--host-data", action="append", default=[], metavar="HEX", help="SHA-256 of an accepted container policy")
    p.add_argument("--issuer", metavar="URL", help="the attestation instance, exactly")
    p.add_argument("--policy-hash", metavar="B64", help="the instance's x-ms-policy-hash")
    p.add_argument("--jwks", metavar="FILE", help="the instance's keys, from a source that you trust")
    p.add_argument("--ark", action="append", default=list(AMD_ARKS), metavar="HEX", help="SHA-256 of a further root certificate, as a simulator has one")
    args = p.parse_args(argv)
    if args.jwks:
        with open(args.jwks, "rb") as f:
            args.jwks = f.read()
    return args


def main():
    try:
        args = arguments()
        with open(args.bundle, "rb") as f:
            raw = f.read(256 << 20)
    except OSError as e:
        print("verify.py: error: %s" % e, file=sys.stderr)
        return 1
    status = verify(raw, args, print)
    print("\nverdict: %s" % {0: "verified", 5: "incomplete"}.get(status, "failed"))
    return status


if __name__ == "__main__":
    sys.exit(main())
