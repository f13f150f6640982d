"""Opens evaluations' pages in a headless browser, by the DevTools protocol over pipes, and tells what is wrong.

    open.py BROWSER DIRECTORY[:WORDS]...

A directory holds evaluation.html and evaluation.json. WORDS must be in what is wrong with it; without them nothing may be.
"""
import base64, itertools, json, os, pathlib, select, subprocess, sys, tempfile, time, zlib

LOOK = pathlib.Path(__file__).with_name("look.js").read_text()
OPTIONS = "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --remote-debugging-pipe".split()
PATIENCE = 90  # Seconds for one answer: the machine may be busy.


class Gone(Exception):
    """The browser ended or fell silent, which says nothing of a page."""


class Browser:
    def __init__(self, program, home):
        (theirs, self.to), (self.back, answers) = os.pipe(), os.pipe()
        self.rest, self.number, self.events, self.session = b"", 0, [], {}
        start = ["bash", "-c", f'exec "$@" 3<&{theirs} 4>&{answers}', "-", program, *OPTIONS, f"--user-data-dir={home}"]
        self.process = subprocess.Popen(start, pass_fds=(theirs, answers), stderr=open(f"{home}.log", "w"))
        os.close(theirs), os.close(answers)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = {"sessionId": self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(f"{domain}.enable")

    def read(self):
        while b"\0" not in self.rest:
            ready = select.select([self.back], [], [], PATIENCE)[0]
            got = os.read(self.back, 1 << 20) if ready else b""
            if not got:
                raise Gone("it ended" if ready else f"it said nothing for {PATIENCE} s")
            self.rest += got
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters, **self.session}
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while (answer := self.read()).get("id") != self.number:
            self.events.append(answer)
        if "error" in answer or "exceptionDetails" in answer["result"]:
            raise SystemExit(f"page: {method}: {answer}")
        return answer["result"]

    def load(self, url):
        self.call("Page.navigate", url="about:blank")
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.read())
        self.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame)).then(() => 0)")

    def window(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        until = f"const look = () => innerHeight === {height} ? done(0) : requestAnimationFrame(look); look()"
        self.evaluate(f"new Promise((done) => {{ {until} }})")

    def evaluate(self, script):
        return self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)["result"]["value"]

    def picture(self, **options):
        return base64.b64decode(self.call("Page.captureScreenshot", **options)["data"])

    def pixel(self, x, y):
        """The colour of one pixel, from a PNG of one pixel: a filter's byte, then red, green and blue."""
        png = self.picture(clip={"x": int(x), "y": int(y), "width": 1, "height": 1, "scale": 1})
        data, at = b"", 8
        while at < len(png):
            size = int.from_bytes(png[at : at + 4], "big")
            data += png[at + 8 : at + 8 + size] if png[at + 4 : at + 8] == b"IDAT" else b""
            at += size + 12
        return list(zlib.decompress(data)[1:4])

    def wrong(self, directory, scheme, width):
        """What is wrong with a page in a window of some width."""
        page = (directory / "evaluation.html").as_uri()
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.window(width, 800)
        self.load(page)
        # All of it is in sight.
        self.window(width, self.evaluate("document.documentElement.scrollHeight"))
        seen = self.evaluate(f"({LOOK})({(directory / 'evaluation.json').read_text()}, {json.dumps(scheme)})")
        for bar in seen["middles"]:
            painted = self.pixel(bar["x"], bar["y"])
            if painted != bar["fill"]:
                seen["findings"].append(f"painted in {painted}, not in {bar['fill']}: {bar['name']}")
        (directory / f"{scheme}-{width}.png").write_bytes(self.picture())
        for event in self.events:
            method, about = event["method"], event["params"]
            if method in ["Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"]:
                seen["findings"].append(f"the console says {json.dumps(about)[:300]}")
            elif method == "Network.requestWillBeSent" and about["request"]["url"] != page:
                seen["findings"].append(f"it asks for {about['request']['url']}")
        return [f"{scheme}, {width} pixels: {finding}" for finding in seen["findings"]], len(seen["middles"])


def look(browser, directory, words):
    """Whether a page is as it should be; one that is spoilt is left as soon as that is said."""
    start, findings, bars = time.monotonic(), [], 0
    for scheme, width in itertools.product(["light", "dark"], [1000, 400]):
        found, count = browser.wrong(directory, scheme, width)
        findings, bars = findings + found, bars + count
        if words and any(words in finding for finding in found):
            break
    good = any(words in finding for finding in findings) if words else not findings
    verdict = f"refused: {words}" if words else f"fine, {bars} bars looked at"
    print(f"page: {directory.name}: {verdict if good else 'FAILED'} ({time.monotonic() - start:.1f} s)", flush=True)
    if not good:
        print(*[f"  it should say: {words}"] if words else [], *[f"  {finding}" for finding in findings], sep="\n")
    return good


def main(program, pages):
    pages = [(pathlib.Path(directory).resolve(), words) for directory, _, words in (page.partition(":") for page in pages)]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        for attempt in range(3):
            try:
                browser = Browser(program, f"{home}/{attempt}")
                return 0 if all([look(browser, *page) for page in pages]) else 1
            except (Gone, BrokenPipeError) as trouble:
                said = pathlib.Path(f"{home}/{attempt}.log").read_text()[-2000:]
                print(f"page: the browser: {trouble}\n{said}", file=sys.stderr)
    return 1


sys.exit(main(sys.argv[1], sys.argv[2:]))
