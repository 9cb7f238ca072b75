"""Recomputes the vectors of sdk/FORMATS.md and sdk/plugin/ABI.md. Written from those documents alone.

    python3 sdk/testdata/check_vectors.py

Needs Python 3.8. AES-GCM and Ed25519 are checked if the package
"cryptography" is there; HPKE is left to HPKE libraries.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
import struct
import sys

try:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
except ImportError:
    Ed25519PrivateKey = AESGCM = None

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
failures = []


def load(path):
    with open(os.path.join(ROOT, *path.split("/")), encoding="utf-8") as f:
        return json.load(f)


def same(what, got, want):
    if got != want:
        failures.append(what)
        print("DIFFERS  %s\n  computed %r\n  vector   %r" % (what, got, want))


unhex = bytes.fromhex


def sha256(b):
    return hashlib.sha256(b).digest()


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def b64url(b):
    return base64.urlsafe_b64encode(b).rstrip(b"=").decode()


# Section 2.
def field(b):
    return struct.pack(">I", len(b)) + b


def transcript(name, *fields):
    out = field(("veriproof-notary/%s/v1" % name).encode())
    for f in fields:
        out += field(struct.pack(">Q", f) if isinstance(f, int) else f)
    return out


def check_transcript():
    v = load("receipt/testdata/transcript.json")
    fields = [f["uint64"] if "uint64" in f else unhex(f["bytes"]) for f in v["fields"]]
    got = transcript(v["domain"].split("/")[1], *fields)
    same("transcript", got.hex(), v["encode"])
    same("transcript's hash", sha256(got).hex(), v["sum"])


# Section 3.
def check_runtime_data():
    v = load("../attestation/runtimedata/testdata/vectors.json")
    for c in v["valid"]:
        text = c["runtime_data"].encode()
        again = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")).encode()
        same("runtime data, sorted and compact", again, text)
        same("runtime data's digest", sha256(text).hex(), c["sha256"])
        same("REPORT_DATA", (sha256(text) + bytes(32)).hex(), c["report_data"])
        n = json.loads(text)["keys"][0]["n"]
        thumb = b64url(sha256(('{"e":"AQAB","kty":"RSA","n":"%s"}' % n).encode()))
        same("kid", thumb, c["kid"])


# Section 4.
def edit_list(edits):
    out = struct.pack(">I", len(edits))
    for e in edits:
        for name in ("plugin", "label", "place"):
            out += bytes([len(e[name])]) + e[name].encode()
        out += struct.pack(">I", e["length"])
    return out


def leaf_hash(salt, resource, scope, commitment, kind, record):
    return sha256(b"\0" + salt + sha256(resource) + sha256(scope) + commitment + bytes([kind]) + record)


def edit_commitment(key, edits):
    return mac(key, transcript("edit-commitment", edits))


def check_leaves():
    for c in load("receipt/testdata/leaf.json"):
        edits = edit_list(c["edit_list"])
        same("edit list", edits.hex(), c["edits"])
        commitment = edit_commitment(unhex(c["edit_key"]), edits)
        same("edit commitment", commitment.hex(), c["edit_commitment"])
        got = leaf_hash(unhex(c["salt"]), unhex(c["resource"]), unhex(c["scope"]), commitment, c["kind"], unhex(c["record"]))
        same("leaf hash", got.hex(), c["leaf_hash"])


def node(left, right):
    return sha256(b"\1" + left + right)


def root_of(leaves):
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    return node(root_of(leaves[:k]), root_of(leaves[k:]))


def root_from_path(leaf, index, size, path):
    inner = (index ^ (size - 1)).bit_length()
    border = bin(index >> inner).count("1")
    if index >= size or len(path) != inner + border:
        return None
    for j, sibling in enumerate(path):
        left = j >= inner or index >> j & 1
        leaf = node(sibling, leaf) if left else node(leaf, sibling)
    return leaf


def check_trees():
    for c in load("receipt/testdata/tree.json"):
        leaves = [unhex(x) for x in c["leaves"]]
        for i, leaf in enumerate(leaves):
            same("leaf of a tree", sha256(b"\0leaf %d" % i).hex(), leaf.hex())
        root = root_of(leaves)
        same("root of %d leaves" % len(leaves), root.hex(), c["root"])
        for i, path in enumerate(c["paths"]):
            got = root_from_path(leaves[i], i, len(leaves), [unhex(x) for x in path])
            same("path of leaf %d of %d" % (i, len(leaves)), got, root)


# Section 5.
def check_manifests():
    for c in load("receipt/testdata/manifest.json"):
        text = c["manifest"].encode()
        same("manifest in one encoding", json.dumps(json.loads(text), separators=(",", ":")).encode(), text)
        same("manifest's SHA-256", sha256(text).hex(), c["sha256"])
        same("commitment", sha256(transcript("commitment", text)).hex(), c["commitment"])
        key = unhex(c["signing_key"])
        kid = b64url(sha256(('{"crv":"Ed25519","kty":"OKP","x":"%s"}' % b64url(key)).encode()))
        same("kid", kid, c["kid"])
        header = '{"alg":"EdDSA","kid":"%s","typ":"veriproof-notary-receipt+jws"}' % kid
        signed = b64url(header.encode()) + "." + b64url(text)
        same("signed part of the receipt", signed, c["receipt"].rsplit(".", 1)[0])
        same("receipt", signed + "." + b64url(sign(c, signed.encode())), c["receipt"])


def sign(vector, message):
    """Signs with the vector's seed, or, for want of a library, takes the vector's own signature."""
    if Ed25519PrivateKey is None:
        sig = vector["receipt"].rsplit(".", 1)[1] if "receipt" in vector else None
        return base64.urlsafe_b64decode(sig + "==") if sig else None
    return Ed25519PrivateKey.from_private_bytes(unhex(vector["signing_seed"])).sign(message)


# Section 6.
def check_proof():
    v = load("receipt/testdata/proof.json")
    path, head, signatures = v["proof"].split("\n\n")
    lines = path.split("\n")
    same("proof's header", lines[:2], ["c2sp.org/tlog-proof@v1", "index %d" % v["index"]])
    origin, size, root = head.split("\n")[:3]
    leaf = sha256(b"\0" + unhex(v["commitment"]))
    got = root_from_path(leaf, v["index"], int(size), [base64.b64decode(x, validate=True) for x in lines[2:]])
    same("root of the log", base64.b64encode(got).decode(), root)
    name, key_id, key = v["vkey"].split("+", 2)
    raw = base64.b64decode(key)
    same("origin", origin, name)
    same("key id", sha256(name.encode() + b"\n" + raw)[:4].hex(), key_id)
    dash, signer, sig = signatures.rstrip("\n").split(" ")
    same("signature's name", (dash, signer), ("\u2014", name))
    same("signature's key id", base64.b64decode(sig)[:4].hex(), key_id)
    if Ed25519PrivateKey is not None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        Ed25519PublicKey.from_public_bytes(raw[1:]).verify(base64.b64decode(sig)[4:], (head + "\n").encode())


def check_cosigned():
    v = load("receipt/testdata/cosigned.json")
    _, head, signatures = v["proof"].split("\n\n")
    name, key_id, key = v["witness"].split("+", 2)
    raw = base64.b64decode(key)
    same("witness's key id", (raw[0], sha256(name.encode() + b"\n" + raw)[:4].hex()), (4, key_id))
    dash, signer, sig = signatures.rstrip("\n").split("\n")[1].split(" ")
    sig = base64.b64decode(sig, validate=True)
    same("cosignature's name, key id, time", (signer, sig[:4].hex(), int.from_bytes(sig[4:12], "big")), (name, key_id, v["time"]))
    if Ed25519PrivateKey is not None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        Ed25519PublicKey.from_public_bytes(raw[1:]).verify(sig[12:], ("cosignature/v1\ntime %d\n%s\n" % (v["time"], head)).encode())


# Section 7.
def check_opening():
    v = load("receipt/testdata/opening.json")
    o = json.loads(v["opening"])
    raw = {k: base64.b64decode(o[k], validate=True) for k in ("resource", "scope", "record", "edits")}
    commitment = edit_commitment(unhex(o["edit_key"]), raw["edits"])
    same("opening's edit commitment", commitment.hex(), o["edit_commitment"])
    leaf = leaf_hash(unhex(o["salt"]), raw["resource"], raw["scope"], commitment, o["kind"], raw["record"])
    got = root_from_path(leaf, o["index"], v["leaves"], [unhex(x) for x in o["path"]])
    same("root of the opening", got.hex(), v["root"])


# Section 8.
def expand(key, info):
    return mac(key, info + b"\1")


def place(part):
    return unhex(part["epoch"]), unhex(part["handle"]), part["part"]


def salts(dek, part, segment, index):
    key = expand(dek, transcript("salt-key", *place(part)))
    return mac(key, transcript("leaf-salt", segment, index)), mac(key, transcript("edit-key", segment, index))


def check_keys():
    v = load("journal/testdata/keys.json")
    dek, part = unhex(v["dek"]), v["part"]
    same("DEK commitment", expand(dek, transcript("dek-commit", *place(part))).hex(), v["dek_commitment"])
    for c in v["leaves"]:
        salt, edit_key = salts(dek, part, c["segment"], c["index"])
        same("salt", salt.hex(), c["salt"])
        same("edit key", edit_key.hex(), c["edit_key"])
    handle = mac(unhex(v["lookup_key"]), transcript("session-handle", v["tenant"].encode(), unhex(v["session"])))
    same("session handle", handle.hex(), v["session_handle"])
    same("wrapped DEK's hash", sha256(unhex(v["wrapped_dek"])).hex(), v["wrapped_dek_sha256"])
    if AESGCM is not None:
        number = v["wrap_number"]
        key = expand(unhex(v["wrap_key"]), transcript("wrapped-dek", *place(part), number))
        sealed = AESGCM(key).encrypt(bytes(12), dek, transcript("wrapped-dek", *place(part)))
        same("wrapped DEK", (b"\1" + struct.pack(">Q", number) + sealed).hex(), v["wrapped_dek"])


def check_recipient():
    v = load("journal/testdata/hpke.json")
    lines = v["public_pem"].split("\n")
    same("PEM type", lines[0], "-----BEGIN NOTARY RECIPIENT PUBLIC KEY-----")
    key = base64.b64decode("".join(lines[1:-2]))
    same("public key's length", len(key), 1216)
    same("recipient", sha256(transcript("recipient", key)).hex(), v["recipient"])
    same("sealed length", len(unhex(v["ciphertext"])), 1120 + 48)


# Section 9.
def padded(n):
    if n <= 256:
        return 256
    e = n.bit_length() - 1
    step = 1 << (e - e.bit_length())
    return -(-n // step) * step


def content_of(v):
    contexts, records = [], b""
    for r in v["records"]:
        places = []
        for name in ("resource", "scope"):
            c = unhex(r[name])
            if c not in contexts:
                contexts.append(c)
            places.append(contexts.index(c))
        records += struct.pack(">BII", r["kind"], *places) + field(unhex(r["edits"])) + field(unhex(r["record"]))
    head = field(v["tenant"].encode()) + field(unhex(v["session"]))
    return head + struct.pack(">I", len(contexts)) + b"".join(map(field, contexts)) + struct.pack(">I", len(v["records"])) + records


def check_segment():
    v = load("journal/testdata/segment.json")
    dek, part, number = unhex(v["dek"]), v["part"], v["number"]
    for i, r in enumerate(v["records"]):
        salt, edit_key = salts(dek, part, number, i)
        commitment = edit_commitment(edit_key, unhex(r["edits"]))
        got = leaf_hash(salt, unhex(r["resource"]), unhex(r["scope"]), commitment, r["kind"], unhex(r["record"]))
        same("leaf %d of the segment" % i, got.hex(), v["leaves"][i])
    body = b"\1" + expand(dek, transcript("dek-commit", *place(part))) + unhex(v["wrapped_dek_sha256"])
    body += struct.pack(">I", len(v["leaves"])) + b"".join(map(unhex, v["leaves"])) + unhex(v["ciphertext"])
    same("segment", body.hex(), v["segment"])
    plain = field(content_of(v))
    plain += bytes(padded(len(plain)) - len(plain))
    same("ciphertext's length", len(plain) + 16, len(unhex(v["ciphertext"])))
    if AESGCM is not None:
        key = expand(dek, transcript("segment-key", *place(part)))
        aad = transcript("segment", *place(part), number)
        same("ciphertext", AESGCM(key).encrypt(bytes(4) + struct.pack(">Q", number), plain, aad).hex(), v["ciphertext"])


def check_padding():
    for c in load("journal/testdata/padding.json"):
        same("padding of %d" % c["content_with_length"], padded(c["content_with_length"]) + 16, c["ciphertext"])


# Section 10.
def check_chain():
    v = load("journal/testdata/chain.json")
    chain = bytes(32)
    for e in v["entries"]:
        body = unhex(e["body"])
        header = b"\1" + unhex(e["epoch"]) + struct.pack(">QB", e["seq"], e["kind"]) + unhex(e["handle"])
        header += struct.pack(">IQ", e["part"], e["segment"]) + sha256(body)
        same("header", header.hex(), e["header"])
        chain = sha256(transcript("chain", chain, header))
        same("chain", chain.hex(), e["chain"])
        sig = unhex(e["signature"])
        got = header + chain + bytes([1 if sig else 0]) + sig + field(body)
        same("entry", got.hex(), e["entry"])
        if sig:
            message = transcript("position", unhex(e["epoch"]), e["seq"], chain)
            same("entry's signature", sign(v, message) or sig, sig)


def check_position():
    v = load("journal/testdata/position.json")
    epoch, seq, chain = unhex(v["epoch"]), v["seq"], unhex(v["chain"])
    sig = unhex(v["signature"])
    same("position's signature", sign(v, transcript("position", epoch, seq, chain)) or sig, sig)
    same("position", (epoch + struct.pack(">Q", seq) + chain + sig).hex(), v["position"])
    same("close commitment", sha256(transcript("close-commitment", epoch, seq, chain)).hex(), v["close_commitment"])
    got = sha256(transcript("checkpoint", epoch, seq, chain, unhex(v["checkpoint_random"])))
    same("checkpoint commitment", got.hex(), v["checkpoint_commitment"])


RETENTION = {
    "erase": {"action", "epoch", "wrapped_dek", "commitment", "at_unix_nano"},
    "hold": {"action", "epoch", "at_unix_nano"},
    "release": {"action", "epoch", "hold", "at_unix_nano"},
}


def retention(text):
    try:
        body = json.loads(text)
    except ValueError:
        return False
    return set(body) == RETENTION.get(body["action"])


def check_retention():
    v = load("journal/testdata/retention.json")
    for text in v["valid"]:
        same("retention body " + text, retention(text), True)
    for text in v["refused"]:
        same("refused retention body " + text, retention(text), False)


def export(text):
    try:
        body = json.loads(text)
    except ValueError:
        return False
    known = {"from_unix_nano", "to_unix_nano", "parts", "recipient", "for", "by", "at_unix_nano"}
    begin, end = body.get("from_unix_nano", 0), body.get("to_unix_nano", 0)
    return (
        {"parts", "by", "at_unix_nano"} <= set(body) <= known
        and body["parts"] >= 0
        and 1 <= len(body["by"].encode()) <= 256
        and re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9 ._@+-]{0,63})?", body.get("for", "")) is not None
        and not (begin and end and begin >= end)
    )


def check_export():
    v = load("journal/testdata/export.json")
    for text in v["valid"]:
        same("export body " + text, export(text), True)
    for text in v["refused"]:
        same("refused export body " + text, export(text), False)


def erased(text):
    try:
        body = json.loads(text)
    except ValueError:
        return False
    if set(body) != {"orders", "found", "unasked", "at_unix_nano"}:
        return False
    found = body["found"] or []
    kinds = [c.get("kind", "") for c in found]
    return (
        1 <= len(body["orders"]) <= 1024
        and all(set(o) == {"epoch", "seq"} for o in body["orders"])
        and all(re.fullmatch(r"[0-9a-f]{32}", o["epoch"]) and int(o["epoch"], 16) for o in body["orders"])
        and len(found) <= 32
        and all(set(c) == {"kind", "count"} and c["count"] > 0 for c in found)
        and all(re.fullmatch(r"[a-z][a-z0-9_]{0,31}", k) for k in kinds)
        and kinds == sorted(set(kinds))
    )


def check_erased():
    v = load("journal/testdata/erased.json")
    for text in v["valid"]:
        same("erased body " + text, erased(text), True)
    for text in v["refused"]:
        same("refused erased body " + text, erased(text), False)


# Section 11.
def bundle_file(files):
    """manifest.json and the file, of (name, content) in order."""
    parts = [{"path": n.decode(), "sha256": sha256(d).hex()} for n, d in files]
    manifest = {"format": "1", "media_type": "application/vnd.veriproof.notary.bundle.v1+zip", "parts": parts}
    manifest = json.dumps(manifest, separators=(",", ":")).encode()
    body, directory = bytearray(), bytearray()
    files = [(b"manifest.json", manifest)] + files
    for name, data in files:
        common = struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 33, binascii.crc32(data), len(data), len(data), len(name), 0)
        directory += b"PK\1\2" + struct.pack("<H", 20) + common + bytes(10) + struct.pack("<I", len(body)) + name
        body += b"PK\3\4" + common + name + data
    n, size, offset, zip64 = len(files), len(directory), len(body), b""
    if n > 65535:
        zip64 = b"PK\6\6" + struct.pack("<QHHQQQQQ", 44, 45, 45, 0, n, n, size, offset)
        zip64 += b"PK\6\7" + struct.pack("<IQI", 0, offset + size, 1)
        n = 65535
    end = b"PK\5\6" + bytes(4) + struct.pack("<HHII", n, n, size, offset) + bytes(2)
    return manifest, bytes(body + directory + zip64 + end)


def check_bundle():
    v = load("bundle/testdata/bundle.json")
    manifest, file = bundle_file(sorted((p["path"].encode(), base64.b64decode(p["data"])) for p in v["parts"]))
    same("bundle's manifest", manifest.decode(), v["manifest"])
    same("bundle", base64.b64encode(file).decode(), v["bundle"])
    for v in load("bundle/testdata/bundle-large.json"):
        files = [(b"config.yaml", b"c"), (b"receipt.jws", b"r")]
        files += [(b"records/%08d.json" % i, b"x") for i in range(v["records"])]
        manifest, file = bundle_file(files + [(b"runtime-data.json", b"d")])
        same("manifest of a large bundle", sha256(manifest).hex(), v["manifest_sha256"])
        same("large bundle", (len(file), sha256(file).hex()), (v["bytes"], v["sha256"]))


def check_epoch_end():
    v = load("bundle/testdata/epoch-end.json")
    before, epoch, body = unhex(v["before"]), unhex(v["epoch"]), v["body"].encode()
    header = b"\1" + epoch + struct.pack(">QB", v["seq"], v["kind"]) + bytes(32 + 4 + 8) + sha256(body)
    chain = sha256(transcript("chain", before, header))
    same("chain of the epoch's end", chain.hex(), v["chain"])
    part = unhex(v["part"])
    sig = part[32 + 135 : 32 + 135 + 64]
    same("signature of the epoch's end", sign(v, transcript("position", epoch, v["seq"], chain)) or sig, sig)
    same("epoch's end", (before + header + chain + b"\1" + sig + field(body)).hex(), v["part"])
    commitment = sha256(transcript("close-commitment", epoch, v["seq"], chain))
    same("close commitment of the epoch's end", commitment.hex(), v["close_commitment"])


# sdk/plugin/ABI.md, sections 5 and 10.
def u32(b, at):
    return struct.unpack_from("<I", b, at)[0]


def rdx_fields(b):
    """The fields of a request, or None if a guest has to refuse it."""
    if len(b) < 32 or b[:4] != b"RDX1" or struct.unpack_from("<H", b, 4)[0] != 1 or u32(b, 8) != len(b):
        return None
    n, table, size = u32(b, 12), u32(b, 16), u32(b, 20)
    if n > 65536 or not 32 <= size <= 1024 or table + n * size > len(b):
        return None
    fields = []
    for i in range(n):
        text, text_len, key, key_len, role, fmt, group = struct.unpack_from("<IIIIHHI", b, table + i * size)
        if text + text_len > len(b) or key + key_len > len(b):
            return None
        fields.append((b[text : text + text_len], b[key : key + key_len], role, fmt, group))
    return fields


def rdx_star(fields):
    edits = []
    for i, (text, key, role, fmt, group) in enumerate(fields):
        score = role + 16 * fmt + 256 * len(key) + 4096 * group + (3 * key[0] if key else 0)
        for m in re.finditer(rb"\*+|\xe2\x98\x85", text):
            edits.append((i, m.start(), m.end(), int(m.group()[:1] != b"*"), score % 65536))
    return edits


def rdx_reply(edits):
    return b"RDR1" + struct.pack("<III", 0, len(edits), 16) + b"".join(struct.pack("<IIIHH", *e) for e in edits)


def rdx_accepts(b, texts, labels):
    if len(b) < 16 or b[:4] != b"RDR1" or u32(b, 4) != 0 or u32(b, 12) != 16 or len(b) != 16 + 16 * u32(b, 8):
        return False
    before = (-1, 0)
    for at in range(16, len(b), 16):
        field, start, end, label, _ = struct.unpack_from("<IIIHH", b, at)
        if field >= len(texts) or label >= labels or not start < end <= len(texts[field]):
            return False
        if any(k < len(texts[field]) and texts[field][k] & 0xC0 == 0x80 for k in (start, end)):
            return False
        if (field, start) < before:
            return False
        before = (field, end)
    return True


def check_rdx():
    v = load("plugin/testdata/rdx.json")
    for c in v["requests"]:
        fields = rdx_fields(unhex(c["request"]))
        want = [(f["text"].encode(), f["key"].encode(), f["role"], f["format"], f["group"]) for f in c["fields"]]
        same("rdx request: " + c["name"], fields, want)
        same("rdx reply: " + c["name"], rdx_reply(rdx_star(fields)).hex(), c["reply"])
        same("rdx reply is accepted: " + c["name"], rdx_accepts(unhex(c["reply"]), [f[0] for f in fields], 2), True)
    for c in v["refused_requests"]:
        same("rdx request is refused: " + c["name"], rdx_fields(unhex(c["bytes"])), None)
    for c in v["refused_replies"]:
        texts = [t.encode() for t in v["texts"]]
        same("rdx reply is refused: " + c["name"], rdx_accepts(unhex(c["bytes"]), texts, 2), False)


# sdk/plugin/ABI.md, section 3.
def check_manifest_section():
    for c in load("plugin/testdata/manifest.json")["manifests"]:
        text = c["json"].encode()
        again = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")).encode()
        same("plugin manifest, sorted and compact", again, text)
        n, size = 1 + 15 + len(text), b""
        while n > 0x7F:
            size, n = size + bytes([n & 0x7F | 0x80]), n >> 7
        same("manifest section", (b"\0" + size + bytes([n]) + b"\x0fnotary.manifest" + text).hex(), c["section"])


def main():
    checks = [f for name, f in sorted(globals().items()) if name.startswith("check_")]
    for check in checks:
        check()
    if Ed25519PrivateKey is None:
        print("note: without the package cryptography, AES-GCM and Ed25519 were not checked")
    print("%d checks, %d differences" % (len(checks), len(failures)))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
