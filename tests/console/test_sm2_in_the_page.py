"""SM2 as the built page has it, held against the provider: keys, digests, signatures, manifests."""

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from guoku_client.signing import manifest_text
from guoku_client.sm2 import Sm2Key
from ledger.gm import PublicKey
from ledger.gm.default import default_provider
from ledger.gm.vectors import SM2_SIGNATURE
from tests.console.built import CONSOLE, PATH, needs_tools

pytestmark = needs_tools

# the page's module as it is built, with what the console's own configuration leaves out of it
PROGRAM = """
import {{ readFileSync }} from 'node:fs'
import {{ pathToFileURL }} from 'node:url'
const {{ build, loadConfigFromFile }} = await import('{vite}')
const {{ config }} = await loadConfigFromFile({{ command: 'build' }}, '{console}/vite.config.ts')
await build({{
  root: '{console}',
  configFile: false,
  logLevel: 'silent',
  plugins: config.plugins.filter((each) => each.name === 'of-sm2-what-is-used'),
  ssr: {{ noExternal: true }},
  build: {{ ssr: 'src/sm2.ts', outDir: '{folder}', emptyOutDir: true }},
}})
const {{ readKey }} = await import(pathToFileURL('{folder}/sm2.js').href)
const {{ pem, asked }} = JSON.parse(readFileSync(0, 'utf8'))
const key = readKey(pem)
const signed = asked.map((each) => {{
  try {{ return key.sign(each) }} catch (error) {{ return String(error) }}
}})
console.log(JSON.stringify({{ publicKey: key.publicKey, signed }}))
"""


def _in_the_page(folder: Path, pem: str, asked: list[dict[str, Any]]) -> dict[str, Any]:
    node = shutil.which("node", path=PATH)
    vite = CONSOLE / "node_modules" / "vite" / "dist" / "node" / "index.js"
    (folder / "package.json").write_text('{"type": "module"}')
    program = PROGRAM.format(vite=vite.as_uri(), console=CONSOLE, folder=folder / "built")
    assert node is not None
    done = subprocess.run(
        [node, "--input-type=module", "--eval", program],
        cwd=CONSOLE,
        input=json.dumps({"pem": pem, "asked": asked}),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def test_the_provider_verifies_what_the_page_signs(tmp_path: Path) -> None:
    """The key of the standard's example, whose e the page has to find; a manifest of three."""
    vector, provider = SM2_SIGNATURE, default_provider()
    pem = Sm2Key(int.from_bytes(vector.private_key)).pem()
    documents = [f"凭证{number}".encode("gbk") for number in range(3)]
    manifest = manifest_text("440000000-2026", "treasury", documents).encode()
    under = [_text(each) for each in documents]
    told = _in_the_page(
        tmp_path,
        pem,
        [
            {"content": _text(vector.message), "digest": vector.e.hex()},
            {"content": _text(manifest), "under": under},
            {"content": _text(documents[0])},
            {"content": _text(vector.message), "digest": "ab" * 32},
            {"content": _text(manifest), "under": under[::-1]},
        ],
    )
    assert told["publicKey"] == vector.public_key.hex()
    public_key = PublicKey(vector.public_key)
    for content, signed in zip(
        (vector.message, manifest, documents[0]), told["signed"], strict=False
    ):
        assert provider.verify(public_key, content, base64.b64decode(signed))
        assert not provider.verify(public_key, content + b" ", base64.b64decode(signed))
    assert "the digest is not that of the bytes" in told["signed"][3]
    assert "not that of the vouchers" in told["signed"][4]
