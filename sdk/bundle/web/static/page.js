"use strict";
// The page around the verifier. Text from a bundle goes into the document as text
// only, never as markup.
(() => {
  const $ = (id) => document.getElementById(id);
  const make = (tag, text, cls) => {
    const e = document.createElement(tag);
    if (text !== undefined) e.textContent = text;
    if (cls) e.className = cls;
    return e;
  };
  const marks = { pass: "✓ pass", fail: "✗ fail", "not-done": "○ not done" };
  const verdicts = {
    verified: ["Verified", "Every check that your policy requires has passed."],
    failed: ["Not verified", "At least one check has failed."],
    incomplete: ["Incomplete", "Nothing failed, but a required check could not be made. This counts as not verified."],
  };

  window.verifierReady = (version, simulated) => {
    $("build").textContent = `Verifier ${version}.` + (simulated ? " Development build: it takes policies that trust simulated hardware, which protects nobody." : "");
    $("go").textContent = "Verify";
    $("go").disabled = false;
  };

  // The verifier comes as compressed bytes in a script, so that the page works from a
  // plain folder, too, where a browser fetches nothing.
  const start = async () => {
    const packed = Uint8Array.from(atob(window.verifierModule), (c) => c.charCodeAt(0));
    delete window.verifierModule;
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const bytes = await new Response(stream).arrayBuffer();
    const go = new Go();
    const { instance } = await WebAssembly.instantiate(bytes, go.importObject);
    go.run(instance).then(() => complain("The verifier has stopped. Load the page again."));
  };

  const complain = (text) => {
    $("result").hidden = false;
    for (const id of ["facts", "checks", "records"]) $(id).replaceChildren();
    $("verdict").textContent = "Cannot verify";
    $("verdict").className = "failed";
    $("summary").textContent = text;
    $("json").textContent = "";
    $("result").focus();
  };

  const fact = (name, value) => {
    if (value === undefined || value === null || value === "") return;
    $("facts").append(make("dt", name), make("dd", String(value)));
  };

  const show = (text) => {
    const r = JSON.parse(text);
    if (r.error) return complain(r.error);
    const [title, summary] = verdicts[r.verdict] || verdicts.failed;
    $("verdict").textContent = title;
    $("verdict").className = Object.hasOwn(verdicts, r.verdict) ? r.verdict : "failed";
    $("summary").textContent = summary;
    $("facts").replaceChildren();
    const m = r.manifest;
    if (m) {
      fact("Session", `${m.handle}, part ${m.part}`);
      fact("Leaves", `${m.leaves} under root ${m.root}`);
      fact("Sealed", `for “${m.reason}”, ${new Date(m.host_clock.sealed_unix_nano / 1e6).toISOString()} by the host's clock`);
      fact("Mode", m.origin.mode);
      fact("Plugin set", m.origin.plugin_set);
    }
    fact("Commitment", r.commitment);
    fact("In the log at", r.log_index);
    fact("Appraised as of", r.at);
    fact("Bundle, SHA-256", r.sha256);
    $("checks").replaceChildren(...r.checks.map((c) => {
      const row = make("tr");
      row.append(make("td", marks[c.status] || c.status, "status " + c.status));
      row.append(make("td", c.name + (c.required ? "" : " (optional)")));
      const detail = make("td", c.detail || "", "detail");
      if (c.anchor) detail.append(make("span", "trust anchor: " + c.anchor, "anchor"));
      row.append(detail);
      return row;
    }));
    $("records").replaceChildren();
    if (r.records && r.records.length) {
      $("records").append(make("h3", "Disclosed records"));
      for (const one of r.records) {
        const about = make("details");
        const edits = one.edits_shown ? `${one.edits.length} edits` : "edits not shown";
        about.append(make("summary", `Leaf ${one.index}: ${one.kind}, ${edits}`), make("pre", JSON.stringify(one, null, 2)));
        $("records").append(about);
      }
    }
    $("json").textContent = text;
    $("result").hidden = false;
    $("result").focus();
  };

  // The files of a directory of kept keys, by name, in base64 as JSON has bytes. A bound
  // keeps a folder that was chosen by mistake from filling the memory.
  const kept = async (files) => {
    const out = {};
    let size = 0;
    for (const f of files) {
      if ((size += f.size) > 1 << 26) throw new Error("These are no kept keys: more than 64 MiB.");
      let text = "";
      for (const b of new Uint8Array(await f.arrayBuffer())) text += String.fromCharCode(b);
      out[f.name] = btoa(text);
    }
    return out;
  };

  const textOf = (input) => (input.files.length ? input.files[0].text() : Promise.resolve(""));

  $("policy-file").addEventListener("change", async () => { $("policy").value = await textOf($("policy-file")); });
  $("form").addEventListener("submit", async (e) => {
    e.preventDefault();
    const file = $("bundle").files[0];
    if (!file) return complain("Choose a bundle first.");
    if (file.size > 1 << 28) return complain("The file is too large to be a bundle.");
    const settings = {
      policy: $("policy").value, jwks: await textOf($("jwks")), issuer: $("issuer").value.trim(), at: $("at").value.trim(),
    };
    try {
      settings.trust = await kept($("trust").files);
    } catch (e) {
      return complain(e.message);
    }
    show(window.verifyBundle(new Uint8Array(await file.arrayBuffer()), JSON.stringify(settings)));
  });
  for (const type of ["dragover", "dragenter"]) {
    $("drop").addEventListener(type, (e) => { e.preventDefault(); $("drop").classList.add("over"); });
  }
  $("drop").addEventListener("dragleave", () => $("drop").classList.remove("over"));
  $("drop").addEventListener("drop", (e) => {
    e.preventDefault();
    $("drop").classList.remove("over");
    if (e.dataTransfer.files.length) $("bundle").files = e.dataTransfer.files;
  });
  // A bundle dropped beside the field must not replace the page.
  for (const type of ["dragover", "drop"]) document.addEventListener(type, (e) => e.preventDefault());

  start().catch((e) => complain("This browser cannot run the verifier: " + e.message));
})();
