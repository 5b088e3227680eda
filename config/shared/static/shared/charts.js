/*
 * Draws the charts of shared/_chart.html with ECharts.
 *
 * A chart is a dict, next to [data-chart] in a <script type="application/json"> or behind data-chart-url:
 *
 *   x          labels of the x axis, in order
 *   x_name     what they are, for the head of the table
 *   unit       written on the y axis
 *   scale      the numbers are whole numbers of a smaller unit; divide by this (100: fen, or 0.01 kWh)
 *   digits     decimals that are read
 *   kind       line (default), area, step, bar; a series may have its own
 *   horizontal bars lie down
 *   from_zero  false: the y axis may start above nought (never for bars and areas)
 *   series     [{ name, values, kind?, stack?, forecast?: true, low?: […], high?: […], tone?: 1…5 or "bad" }]
 *              forecast is dashed, low and high are its band
 *   columns    [{ name, values, unit, scale, digits }]  not drawn: told beside the series in the tooltip and the table
 *   limits     [{ name, value }]  thin red lines with their name on them
 *   marks      [{ name, x }]      a moment on the x axis
 */

let library;

const loadLibrary = (url) => {
  library ??= window.echarts
    ? Promise.resolve(window.echarts)
    : new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = url;
        script.onload = () => resolve(window.echarts);
        script.onerror = reject;
        document.head.append(script);
      });
  return library;
};

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const still = window.matchMedia("(prefers-reduced-motion: reduce)");

export async function draw(frame, libraryUrl, words) {
  if (frame.dataset.drawn) return;
  frame.dataset.drawn = "yes";
  try {
    const [echarts, chart] = await Promise.all([loadLibrary(libraryUrl), readChart(frame)]);
    keepDrawn(echarts, frame, chart);
    if (frame.dataset.chartUrl) addTable(frame, chart, words);
  } catch (error) {
    // A part that fails fails alone, and says so.
    console.error(error);
    frame.textContent = words.chartFailed;
    frame.classList.add("muted");
  }
}

async function readChart(frame) {
  if (!frame.dataset.chartUrl) {
    return JSON.parse(frame.parentElement.querySelector('script[type="application/json"]').textContent);
  }
  const answer = await fetch(frame.dataset.chartUrl, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${answer.status} ${frame.dataset.chartUrl}`);
  return answer.json();
}

function keepDrawn(echarts, frame, chart) {
  const locale = document.documentElement.lang.toLowerCase().startsWith("zh") ? "ZH" : "EN";
  const picture = echarts.init(frame, null, { locale, renderer: "canvas" });
  const paint = () => picture.setOption(optionOf(chart, readTokens(), frame), { notMerge: true });
  paint();

  let width = frame.clientWidth;
  const watch = new ResizeObserver(() => {
    if (!frame.isConnected) return dispose();
    picture.resize();
    if (frame.clientWidth !== width) {
      width = frame.clientWidth;
      paint(); // labels and legend are placed by width
    }
  });
  const dispose = () => {
    watch.disconnect();
    dark.removeEventListener("change", paint);
    document.removeEventListener("htmx:beforeCleanupElement", leave);
    picture.dispose();
  };
  const leave = ({ target }) => {
    if (target === frame || target.contains?.(frame)) dispose();
  };
  watch.observe(frame);
  dark.addEventListener("change", paint);
  document.addEventListener("htmx:beforeCleanupElement", leave);
}

function readTokens() {
  const style = getComputedStyle(document.documentElement);
  const token = (name) => style.getPropertyValue(name).trim();
  // The custom property of a series may itself be a reference; let the browser resolve it to a colour.
  const probe = document.createElement("span");
  document.body.append(probe);
  const colour = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const tokens = {
    ink: colour("--ink"),
    ink2: colour("--ink-2"),
    line: colour("--line"),
    surface: colour("--surface"),
    bad: colour("--bad"),
    series: [1, 2, 3, 4, 5].map((n) => colour(`--series-${n}`)),
    faces: token("--faces"),
    size: parseFloat(getComputedStyle(document.body).fontSize) >= 20 ? 16 : 12,
  };
  probe.remove();
  return tokens;
}

function optionOf(chart, tokens, frame) {
  const width = frame.clientWidth;
  const scale = chart.scale ?? 1;
  const scaled = (values) => values.map((value) => (value === null || value === undefined ? null : value / scale));
  const read = (value) => readNumber(value, chart.digits);
  const text = { color: tokens.ink2, fontFamily: tokens.faces, fontSize: tokens.size };
  const kinds = chart.series.map((series) => series.kind ?? chart.kind ?? "line");
  const needsZero = kinds.some((kind) => kind === "bar" || kind === "area");

  const longest = Math.max(0, ...chart.x.map((label) => String(label).length));
  const isCrowded = !chart.horizontal && (width - 60) / chart.x.length < longest * text.fontSize * 0.55;
  const labels = {
    type: "category",
    data: chart.x,
    boundaryGap: kinds.includes("bar"),
    axisLine: { lineStyle: { color: tokens.line } },
    axisTick: { show: false },
    // A day of quarter hours is marked by whole hours. Where labels are wider than their places, the last stays
    // inside the drawing.
    axisLabel: { ...text, hideOverlap: true, ...(chart.x.length === 96 ? { interval: width < 420 ? 15 : 7 } : {}), ...(isCrowded ? { alignMaxLabel: "right" } : {}) },
    inverse: Boolean(chart.horizontal), // the first bar on top
  };
  const values = {
    type: "value",
    name: chart.horizontal ? (chart.unit ?? "") : "",
    nameTextStyle: { ...text, align: "left" },
    nameGap: 4,
    scale: chart.from_zero === false && !needsZero,
    splitNumber: width < 420 ? 3 : 5,
    axisLabel: { ...text, formatter: (value) => readNumber(value, value === 0 ? undefined : axisDigits(chart, scaled)) },
    splitLine: { lineStyle: { color: tokens.line } },
  };

  const legendHeight = chart.series.length > 1 ? 28 + 20 * (legendLines(chart, width, text) - 1) : 0;

  const drawn = [];
  chart.series.forEach((series, index) => {
    const colour = series.tone === "bad" ? tokens.bad : tokens.series[((series.tone ?? index + 1) - 1) % 5];
    if (series.low && series.high) drawn.push(...bandOf(series, scaled, colour));
    drawn.push({
      name: series.name,
      type: kinds[index] === "bar" ? "bar" : "line",
      step: kinds[index] === "step" ? "end" : false,
      data: scaled(series.values),
      stack: series.stack,
      barMaxWidth: 32,
      symbol: "circle",
      symbolSize: 5,
      showSymbol: series.values.length <= 12,
      color: colour,
      itemStyle: { color: colour },
      lineStyle: { color: colour, width: 2, type: series.forecast ? [6, 4] : "solid" },
      areaStyle: kinds[index] === "area" ? { color: colour, opacity: 0.15 } : undefined,
      emphasis: { disabled: true },
      ...(index === 0 ? linesOf(chart, scale, tokens, text) : {}),
    });
  });

  return {
    animation: !still.matches,
    animationDuration: 120,
    backgroundColor: "transparent",
    textStyle: text,
    aria: { enabled: true, label: { description: sayChart(frame) } },
    legend: {
      show: chart.series.length > 1,
      top: 0,
      left: 0,
      padding: 0,
      itemWidth: 24,
      itemHeight: 8,
      itemGap: 16,
      textStyle: { ...text, color: tokens.ink },
      data: chart.series.map(({ name }) => ({ name })),
    },
    // The unit stands at the edge, above the numbers; as the name of the axis it would be cut off there.
    graphic: chart.unit && !chart.horizontal
      ? [{ type: "text", left: 0, top: legendHeight, silent: true, style: { text: chart.unit, fill: text.color, font: `${text.fontSize}px ${text.fontFamily}` } }]
      : [],
    grid: {
      top: legendHeight + (chart.unit && !chart.horizontal ? 28 : 12),
      right: chart.horizontal && chart.unit ? 48 : 12,
      bottom: 4,
      left: 4,
      containLabel: true,
    },
    tooltip: {
      trigger: "axis",
      renderMode: "richText", // an HTML tooltip would need inline style
      confine: true,
      backgroundColor: tokens.surface,
      borderColor: tokens.line,
      textStyle: { ...text, color: tokens.ink },
      axisPointer: { type: kinds.includes("bar") ? "none" : "line", lineStyle: { color: tokens.ink2, type: "solid" } },
      formatter: (points) => {
        const told = points.filter(({ seriesName }) => !seriesName.startsWith("\u0000"));
        const lines = told.map(({ seriesName, value }) => `${seriesName}  ${read(value)}${chart.unit ? ` ${chart.unit}` : ""}`);
        const beside = (chart.columns ?? []).map((column) => `${column.name}  ${readColumn(column, points[0].dataIndex)} ${column.unit}`);
        return [points[0].axisValueLabel, ...lines, ...beside].join("\n");
      },
    },
    xAxis: chart.horizontal ? values : labels,
    yAxis: chart.horizontal ? labels : values,
    series: drawn,
  };
}

/* Lines the legend takes: what stands below it must make room. */
function legendLines(chart, width, text) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `${text.fontSize}px ${text.fontFamily}`;
  let [lines, used] = [1, 0];
  for (const { name } of chart.series) {
    const needed = 24 + 5 + pen.measureText(name).width + 16;
    if (used > 0 && used + needed - 16 > width) [lines, used] = [lines + 1, 0];
    used += needed;
  }
  return lines;
}

/* Small numbers on the axis all have the same decimals, so that they stand under each other. */
function axisDigits(chart, scaled) {
  if (chart.series.some(({ stack }) => stack)) return undefined;
  const largest = Math.max(...chart.series.flatMap(({ values }) => scaled(values)).map((value) => Math.abs(value ?? 0)));
  if (largest === 0 || largest >= 1) return undefined;
  return largest >= 0.1 ? 2 : 3;
}

/* For those who hear the page: the question and what is seen. The numbers are in the table below. */
function sayChart(frame) {
  const said = frame.closest(".chart")?.querySelectorAll("figcaption h2, figcaption h3, figcaption + p") ?? [];
  return [...said].map((element) => element.textContent.trim()).join(" ") || undefined;
}

/* Two invisible lines, the upper stacked on the lower and filled. */
function bandOf(series, scaled, colour) {
  const low = scaled(series.low);
  const height = scaled(series.high).map((high, index) => (high === null || low[index] === null ? null : high - low[index]));
  const hidden = { type: "line", stack: `\u0000${series.name}`, symbol: "none", silent: true, lineStyle: { opacity: 0 }, emphasis: { disabled: true } };
  return [
    { ...hidden, name: `\u0000${series.name} low`, data: low, stackStrategy: "all" },
    { ...hidden, name: `\u0000${series.name} band`, data: height, stackStrategy: "all", areaStyle: { color: colour, opacity: 0.15 } },
  ];
}

function linesOf(chart, scale, tokens, text) {
  const limits = (chart.limits ?? []).map(({ name, value }) => ({
    name,
    [chart.horizontal ? "xAxis" : "yAxis"]: value / scale,
    lineStyle: { color: tokens.bad, width: 1, type: "solid" },
    label: { ...text, formatter: name, color: tokens.bad, position: "insideStartTop" },
  }));
  const marks = (chart.marks ?? []).map(({ name, x }) => ({
    name,
    xAxis: x,
    lineStyle: { color: tokens.ink2, width: 1, type: "solid" },
    label: { ...text, formatter: name, position: "insideEndTop", rotate: 0, align: "left", padding: [0, 0, 0, 6] },
  }));
  const data = [...limits, ...marks];
  return data.length ? { markLine: { symbol: "none", silent: true, animation: false, data } } : {};
}

/* The same reading as on the server: thin space between groups of three, a true minus. */
function readNumber(value, digits) {
  if (value === null || value === undefined || Number.isNaN(value)) return "\u2014";
  const decimals = digits === undefined || digits === null ? { maximumFractionDigits: 8 } : { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat("en", decimals).format(value).replaceAll(",", "\u2009").replace("-", "\u2212");
}

function readColumn({ values, scale, digits }, index) {
  return readNumber(values[index] === null ? null : values[index] / scale, digits);
}

/* A chart that came by address brings its table along; it is written here, from the same numbers. */
function addTable(frame, chart, words) {
  const make = (tag, attributes = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), attributes);
    element.append(...children);
    return element;
  };
  const cell = (value) => make("td", { className: "num" }, readNumber(value === null || value === undefined ? null : value / (chart.scale ?? 1), chart.digits));
  const unit = chart.unit ? ` (${chart.unit})` : "";
  const head = make("tr", {}, make("th", { scope: "col" }, chart.x_name ?? ""), ...chart.series.map(({ name }) => make("th", { scope: "col", className: "num" }, name + unit)), ...(chart.columns ?? []).map((column) => make("th", { scope: "col", className: "num" }, `${column.name} (${column.unit})`)));
  const rows = chart.x.map((x, index) => make("tr", {}, make("th", { scope: "row" }, x), ...chart.series.map(({ values }) => cell(values[index])), ...(chart.columns ?? []).map((column) => make("td", { className: "num" }, readColumn(column, index)))));
  const table = make("table", { className: "table" }, make("thead", {}, head), make("tbody", {}, ...rows));
  const details = make("details", {}, make("summary", {}, words.chartTable), make("div", { className: "table-scroll", tabIndex: 0 }, table));
  frame.parentElement.querySelector("details")?.remove();
  frame.after(details);
}
