// Runs in the page: compares what the browser laid out and painted with the evaluation that the page is to show.
// Answers one line for each thing that is wrong, and the middles of bars with the colours that must be there.
(evaluation, scheme) => {
    const findings = [];
    const holds = (truth, what) => truth || findings.push(what);
    const all = (selector, within = document) => [...within.querySelectorAll(selector)];
    const box = (element) => element.getBoundingClientRect();
    const near = (one, other, slack = 1) => Math.abs(one - other) < slack;

    // What came from a case is text and nothing else.
    holds(window.planted === undefined, "a planted script ran");
    const known = "html head meta title style body h1 h2 p table tbody tr th td svg rect line text".split(" ");
    for (const element of all("*")) {
        const active = [...element.attributes].some(({ name }) => /^on|^src|^style$|href$/.test(name));
        holds(known.includes(element.localName) && !active, `a stranger: ${element.outerHTML.slice(0, 80)}`);
    }

    // WCAG's contrast: 4.5 for text, 3 for drawings.
    const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
    const luminance = (colour) => {
        const linear = (value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
        const [red, green, blue] = channels(colour).map((value) => linear(value / 255));
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    document.body.style.backgroundColor = "canvas";
    const canvas = getComputedStyle(document.body).backgroundColor;
    document.body.removeAttribute("style");
    holds(scheme === "dark" ? luminance(canvas) < 0.1 : luminance(canvas) > 0.9, `the background is ${canvas}`);
    const behind = (element) => {
        const colour = element ? getComputedStyle(element).backgroundColor : canvas;
        return (channels(colour)[3] ?? 1) === 0 ? behind(element.parentElement) : colour;
    };
    const readable = (element, colour, least) => {
        const [bright, dim] = [luminance(colour), luminance(behind(element))].sort((one, other) => other - one);
        const contrast = (bright + 0.05) / (dim + 0.05);
        const name = `${element.localName} ${element.getAttribute("class") ?? ""} ${element.textContent.slice(0, 30)}`;
        holds(contrast >= least, `a contrast of ${contrast.toFixed(1)}, not ${least}: ${name}`);
    };
    for (const element of all("body *:not(title)")) {
        const { color, fill, stroke } = getComputedStyle(element);
        const texts = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
        if (texts) readable(element, element.localName === "text" ? fill : color, 4.5);
        if (element.localName === "rect") readable(element, fill, 3);
        if (element.localName === "line") readable(element, stroke, 3);
        const { width, height } = box(element);
        const shows = texts || element.localName === "svg" || element.localName === "rect" && element.getAttribute("width") > 0;
        holds(!shows || width && height, `no box: ${element.outerHTML.slice(0, 80)}`);
    }
    const { scrollWidth, clientWidth } = document.documentElement;
    holds(scrollWidth <= clientWidth, `it is ${scrollWidth} pixels wide in a window of ${clientWidth}`);

    const middles = [];
    for (const [part, cases] of Object.entries(Object.groupBy(evaluation.cases, ({ part }) => part))) {
        const section = [];
        let next = document.getElementById(part);
        while ((next = next?.nextElementSibling) && next.localName !== "h2") section.push(next);
        const rows = section.filter(({ localName }) => localName === "table").flatMap((table) => all("tr", table));
        holds(rows.length === cases.length + 1, `${part}: ${rows.length} rows for ${cases.length} cases`);
        cases.forEach((one, index) => {
            const [outcome, name, , seen] = [...rows[index + 1]?.cells ?? []].map((cell) => cell.textContent);
            const same = outcome === one.outcome && name === one.name && seen.endsWith(one.detail);
            holds(same, `${part}: a row says ${outcome}, ${name}, ${seen}, and not ${JSON.stringify(one)}`);
        });

        const measured = cases.filter(({ value }) => value !== null);
        const chart = section.find(({ localName }) => localName === "svg");
        holds(!chart === !measured.length, `${part}: a chart is missing, or shows nothing`);
        if (!chart) continue;
        const [frame, bars] = [box(chart), all("rect", chart)];
        const rowsOfBars = measured.map(({ stretches }) => bars.splice(0, stretches?.length || 1));
        holds(bars.length === Math.max(...measured.map(({ stretches }) => stretches?.length ?? 0)), `${part}: the legend`);
        const widths = rowsOfBars.map((row) => row.reduce((sum, bar) => sum + box(bar).width, 0));
        const longest = widths.indexOf(Math.max(...widths));
        const scale = widths[longest] / measured[longest].value;
        for (const [index, one] of measured.entries()) {
            holds(near(widths[index], Math.max(one.value, 0) * scale), `${part}: not to scale: ${one.name}`);
            const { left, top, bottom } = box(rowsOfBars[index][0]);
            for (const mark of ["interval", "limit", "baseline"].filter((mark) => one[mark] !== undefined)) {
                const lines = all(`line.${mark}`, chart).map(box).filter((line) => line.top <= top && line.bottom >= bottom);
                // Widths are rounded to a tenth, which tells the more the further a mark lies beyond the longest bar.
                const slack = 1 + 0.1 * one[mark] / measured[longest].value;
                const found = lines.some((line) => near(line.left + line.width / 2, left + one[mark] * scale, slack));
                holds(found, `${part}: the ${mark} is not where it should be: ${one.name}`);
            }
        }
        const texts = all("text", chart);
        for (const [index, element] of [...texts, ...all("rect, line", chart)].entries()) {
            const { left, right, top, bottom } = box(element);
            const inside = left > frame.left - 1 && right < frame.right + 1 && top > frame.top - 1 && bottom < frame.bottom + 1;
            holds(inside, `${part}: cut off: ${element.textContent.trim()}`);
            const over = texts.slice(index + 1).map((other) => [other, box(other)]).find(
                ([, other]) => other.left < right && other.right > left && other.top < bottom && other.bottom > top);
            holds(!over, `${part}: ${element.textContent} is written over ${over?.[0].textContent}`);
        }
        for (const bar of all("rect", chart).filter((bar) => box(bar).width)) {
            const { left, top, width, height } = box(bar);
            const [x, y] = [left + width / 2, top + height / 2];
            holds(document.elementsFromPoint(x, y).includes(bar), `${part}: nobody sees ${bar.textContent.trim()}`);
            const clear = width > 4 && document.elementFromPoint(x, y) === bar;
            const fill = channels(getComputedStyle(bar).fill);
            if (clear) middles.push({ x, y, fill, name: `${part}: ${bar.textContent.trim()}` });
        }
    }
    return { findings, middles };
}
