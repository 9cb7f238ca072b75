#!/usr/bin/env python3
"""Holds verify.py to a bundle of "notary demo": test_verify.py DIRECTORY

DIRECTORY is the demo's (notary demo --dir DIRECTORY). Exit status 0 if the bundle
verifies, and no changed one does.
"""

import base64
import hashlib
import json
import random
import re
import sys
import unittest
import zipfile
from argparse import Namespace

import verify


def load(directory):
    with open(directory + "/policy.yaml", encoding="utf-8") as f:
        policy = f.read()

    def one(pattern):
        return re.search(pattern, policy, re.S).group(1)

    ark = base64.b64decode(one(r"-----BEGIN CERTIFICATE-----(.*?)-----END").replace(" ", ""))
    with open(directory + "/session.bundle", "rb") as f:
        raw = f.read()
    return raw, dict(
        witness=[], quorum=0, cosigned_within=0, log_key=[one(r"keys:\n  - (\S+)")], plugin_set=[one(r"plugin_set:\n- (\S+)")], host_data=[one(r"host_data:\n- (\S+)")],
        issuer=one(r"issuer: (\S+)"), policy_hash=one(r"policy_hash: (\S+)"), jwks=one(r"jwks: '(.*?)'").encode(),
        ark=[hashlib.sha256(ark).hexdigest()],
    )  # fmt: skip


class Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.raw, cls.anchors = load(cls.directory)
        with zipfile.ZipFile(cls.directory + "/session.bundle") as z:
            cls.files = {i.filename: z.read(i) for i in z.infolist() if i.filename != "manifest.json"}

    def status(self, raw=None, **anchors):
        return verify.verify(self.raw if raw is None else raw, Namespace(**dict(self.anchors, **anchors)))

    def forged(self, name, data):
        """The bundle with another part, and with a manifest.json that says so."""
        files = dict(self.files, **{name: data})
        if data is None:
            del files[name]
        names = sorted(n.encode() for n in files)
        parts = [{"path": n.decode(), "sha256": hashlib.sha256(files[n.decode()]).hexdigest()} for n in names]
        head = {"format": "1", "media_type": "application/vnd.veriproof.notary.bundle.v1+zip", "parts": parts}
        return verify.zip_again([(b"manifest.json", json.dumps(head, separators=(",", ":")).encode())] + [(n, files[n.decode()]) for n in names])

    def test_verified(self):
        self.assertEqual(self.status(), 0)
        self.assertEqual(self.forged("receipt.jws", self.files["receipt.jws"]), self.raw)

    def test_other_anchors(self):
        for name, value, want in (
            ("log_key", [], 3), ("plugin_set", ["0" * 64], 3), ("host_data", [], 3), ("issuer", "https://example.org", 3),
            ("policy_hash", "any", 3), ("ark", list(verify.AMD_ARKS), 3), ("jwks", b'{"keys":[]}', 2), ("jwks", None, 5),
            ("quorum", 1, 3),
        ):  # fmt: skip
            self.assertEqual(self.status(**{name: value}), want, name)

    def test_flipped_bytes(self):
        for at in random.Random(2).sample(range(len(self.raw)), 120):
            changed = bytearray(self.raw)
            changed[at] ^= 1 << at % 8
            self.assertNotEqual(self.status(bytes(changed)), 0, at)

    def test_forged_parts(self):
        uncovered = {"maa-jwks.json", "uvm.cose"}  # data, and what this program says it does not look at
        rng = random.Random(2)
        for name in sorted(self.files.keys() - uncovered):
            data = self.files[name]
            for at in rng.sample(range(len(data)), min(12, len(data))):
                changed = bytearray(data)
                changed[at] ^= 1 << rng.randrange(8)
                self.assertNotEqual(self.status(self.forged(name, bytes(changed))), 0, (name, at))
            if len(data):
                self.assertNotEqual(self.status(self.forged(name, data[:-1])), 0, name)

    def test_missing_parts(self):
        for name in self.files:
            if name in ("maa-jwks.json", "uvm.cose", "cce-policy.rego", "epoch-end.entry", "epoch-end.tlog-proof") or name.startswith("records/"):
                continue
            self.assertNotEqual(self.status(self.forged(name, None)), 0, name)

    def test_edit_lists(self):
        one = b"\x00\x00\x00\x01\x06notary\x07DROPPED\x04span\x00\x00\x00\x15"
        self.assertEqual(verify.edit_list(one), [("notary", "DROPPED", "span", 21)])
        self.assertEqual(verify.edit_list(bytes(4)), [])
        for bad in (b"", one[:-1], one + b"\x00", b"\x00\x00\x00\x02" + one[4:], b"\x00\x00\x00\x01\xff" + one[5:]):
            with self.assertRaises(verify.Wrong):
                verify.edit_list(bad)

    def test_garbage(self):
        rng = random.Random(2)
        for size in (0, 1, 22, 1000):
            self.assertEqual(self.status(rng.randbytes(size)), 2, size)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    Test.directory = sys.argv.pop()
    unittest.main()
