// A picture of an answer's table: bars or lines. Nothing is calculated: each mark is one cell. What must be said of the values stands
// inside the picture, so that it goes where the picture goes.

import { line, scaleBand, scaleLinear, scalePoint } from "/static/vendor/d3.js"

const SVG = "http://www.w3.org/2000/svg"
const ROWS_MAX = 240
const SERIES_MAX = 6
const HEIGHT = 320
const LABEL_MIN = 44 // pixels from one label of the horizontal axis to the next

/* Distinct in lightness too; lines differ in their dashes, bars in their order. */
const INKS = ["#4979f5", "#00118f", "#c74700", "#197a4b", "#767676", "#8c6a00"]
const DASHES = ["", "7 4", "2 3", "9 3 2 3", "4 4", "12 4"]

export function chart(place, table) {
  const data = read(table)
  const numbers = data.columns.filter((column) => column.isNumber)
  const others = data.columns.filter((column) => !column.isNumber)
  if (!numbers.length || !data.rows.length) return
  const words = place.dataset
  const across = others[0] ?? data.columns.find((column) => column !== numbers.at(-1)) ?? numbers[0]
  const isRepeated = new Set(data.rows.map((row) => row[across.index].text)).size < data.rows.length
  const choice = {
    kind: looksLikeTime(data.rows, across) ? "line" : "bar",
    across: across.index,
    value: (numbers.find((column) => column !== across) ?? numbers[0]).index,
    series: isRepeated && others[1] ? others[1].index : -1,
  }

  const figure = document.createElement("figure")
  const draw = () => figure.replaceChildren(picture(data, choice, words, place.clientWidth), caption(data, words))
  const select = (name, label, options) => {
    const box = document.createElement("p")
    const field = Object.assign(document.createElement("select"), { id: `chart-${name}` })
    field.append(...options.map(([value, text]) => new Option(text, value, false, String(value) === String(choice[name]))))
    field.addEventListener("change", () => {
      choice[name] = name === "kind" ? field.value : Number(field.value)
      draw()
    })
    box.append(Object.assign(document.createElement("label"), { htmlFor: field.id, textContent: label }), field)
    return box
  }
  const option = (column) => [column.index, column.name]
  const controls = document.createElement("div")
  controls.className = "chart-choices"
  controls.append(
    select("kind", words.kind, [["bar", words.bar], ["line", words.line]]),
    select("across", words.across, data.columns.map(option)),
    select("value", words.value, numbers.map(option)),
    select("series", words.series, [[-1, words.noSeries], ...data.columns.map(option)]),
  )
  place.append(Object.assign(document.createElement("h3"), { textContent: words.title }), controls, figure)
  place.hidden = false
  draw()
  new ResizeObserver(draw).observe(place)
}

/* The table as the page has it: the one source of the picture. */
function read(table) {
  const heads = [...table.tHead.rows[0].cells]
  const columns = heads.map((head, index) => ({ index, name: head.textContent, isNumber: head.classList.contains("number") }))
  const cell = (it) => ({ text: it.textContent.trim(), value: it.classList.contains("veiled") ? null : Number(it.textContent) })
  const rows = [...table.tBodies[0].rows].slice(0, ROWS_MAX).map((row) => [...row.cells].map(cell))
  return { columns, rows, isCut: table.tBodies[0].rows.length > ROWS_MAX }
}

function looksLikeTime(rows, column) {
  return rows.length > 2 && rows.every((row) => /^\d{4}-\d{2}(-\d{2})?/.test(row[column.index].text))
}

function caption(data, words) {
  const text = document.createElement("figcaption")
  text.textContent = [data.isCut ? words.tooMany.replace("{count}", ROWS_MAX) : "", words.table].filter(Boolean).join(" ")
  return text
}

/* Marks by series, each with its place on the horizontal axis. */
function marks({ rows }, choice) {
  const names = choice.series < 0 ? [""] : [...new Set(rows.map((row) => row[choice.series].text))].slice(0, SERIES_MAX)
  const series = names.map((name) => ({ name, marks: [] }))
  const seen = new Set()
  const places = new Map()
  for (const [index, row] of rows.entries()) {
    const name = choice.series < 0 ? "" : row[choice.series].text
    const own = series.find((it) => it.name === name)
    if (!own) continue
    const label = row[choice.across].text
    // Two cells are never added up: the second gets a place of its own.
    const key = seen.has(`${label}\n${name}`) ? `${label}\n${index}` : label
    seen.add(`${label}\n${name}`)
    places.set(key, label)
    own.marks.push({ key, value: row[choice.value].value })
  }
  const keys = [...places.keys()]
  const isOrdered = keys.every((key) => /^-?\d/.test(key))
  const number = (key) => (/^-?[\d.]+$/.test(key) ? Number(key) : Date.parse(key))
  if (choice.kind === "line" && isOrdered) keys.sort((a, b) => number(a) - number(b))
  for (const own of series) own.marks.sort((a, b) => keys.indexOf(a.key) - keys.indexOf(b.key))
  return { series, keys, places }
}

function picture(data, choice, words, room) {
  const width = Math.max(280, Math.round(room - 32))
  const { series, keys, places } = marks(data, choice)
  const top = 16 + notes(words).length * 26
  const legendRows = series.length > 1 ? Math.ceil(series.length / Math.max(1, Math.floor(width / 150))) : 0
  const bottom = 44 + legendRows * 22
  const height = HEIGHT + top + bottom - 60
  const values = series.flatMap((it) => it.marks.map((mark) => mark.value)).filter((value) => Number.isFinite(value))
  const up = scaleLinear([Math.min(0, ...values), Math.max(0, ...values) || 1], [height - bottom, top]).nice()
  const left = 12 + 8 * Math.max(...up.ticks(5).map((tick) => up.tickFormat(5)(tick).length))
  const scale = (choice.kind === "bar" ? scaleBand(keys, [left, width - 8]).paddingInner(0.2).paddingOuter(0.1) : scalePoint(keys, [left + 12, width - 16]))
  const name = (index) => data.columns[index].name
  const title = `${words.title}: ${name(choice.value)} / ${name(choice.across)}`
  const svg = node("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": title, class: "answer-chart" })
  const frame = { width, height, top, bottom, left, up, scale, keys, places, legendRows }
  svg.append(...axes(frame, name(choice.value), name(choice.across)))
  svg.append(...(choice.kind === "bar" ? bars(series, frame) : lines(series, frame)))
  if (series.length > 1) svg.append(...legend(series, frame, choice.kind))
  svg.append(...stamps(words, frame))
  return svg
}

function axes({ width, height, top, bottom, left, up, scale, keys, places }, valueName, acrossName) {
  const format = up.tickFormat(5)
  const made = up.ticks(5).flatMap((tick) => [
    node("line", { x1: left, x2: width - 8, y1: up(tick), y2: up(tick), class: tick === 0 ? "zero" : "grid" }),
    node("text", { x: left - 6, y: up(tick) + 4, class: "scale end" }, format(tick)),
  ])
  const middle = (key) => scale(key) + (scale.bandwidth?.() ?? 0) / 2
  const step = keys.length > 1 ? Math.abs(middle(keys[1]) - middle(keys[0])) : width
  const longest = Math.max(...keys.map((key) => wide(places.get(key))))
  const every = Math.max(1, Math.ceil(Math.max(LABEL_MIN, Math.min(longest * 7 + 10, 96)) / step))
  keys.forEach((key, index) => {
    if (index % every === 0) {
      made.push(node("text", { x: middle(key), y: height - bottom + 16, class: "scale middle" }, cut(places.get(key))))
    }
  })
  made.push(node("text", { x: left, y: top - 6, class: "scale name" }, valueName))
  made.push(node("text", { x: width - 8, y: height - bottom + 34, class: "scale name end" }, acrossName))
  return made
}

function bars(series, { up, scale }) {
  const inner = scaleBand(series.map((it) => it.name), [0, scale.bandwidth()]).padding(series.length > 1 ? 0.08 : 0)
  return series.flatMap((own, index) => own.marks.map((mark) => {
    const x = scale(mark.key) + inner(own.name)
    if (mark.value === null) return node("text", { x: x + inner.bandwidth() / 2, y: up(0) - 4, class: "none middle" }, "–")
    const y = Math.min(up(0), up(mark.value))
    return node("rect", { x, y, width: inner.bandwidth(), height: Math.abs(up(0) - up(mark.value)), fill: INKS[index] })
  }))
}

function lines(series, { up, scale }) {
  const path = line().defined((mark) => mark.value !== null).x((mark) => scale(mark.key)).y((mark) => up(mark.value))
  return series.flatMap((own, index) => [
    node("path", { d: path(own.marks) ?? "", class: "stroke", stroke: INKS[index], "stroke-dasharray": DASHES[index] }),
    ...own.marks.map((mark) => (mark.value === null
      ? node("text", { x: scale(mark.key), y: up(0) - 4, class: "none middle" }, "–")
      : node("circle", { cx: scale(mark.key), cy: up(mark.value), r: own.marks.length > 60 ? 1.5 : 3, fill: INKS[index] }))),
  ])
}

function legend(series, { width, height, left, legendRows }, kind) {
  const columns = Math.max(1, Math.floor(width / 150))
  return series.flatMap((own, index) => {
    const x = left + (index % columns) * 150
    const y = height - 8 - (legendRows - 1 - Math.floor(index / columns)) * 22
    const sign = kind === "bar"
      ? node("rect", { x, y: y - 11, width: 18, height: 12, fill: INKS[index] })
      : node("line", { x1: x, x2: x + 24, y1: y - 5, y2: y - 5, class: "stroke", stroke: INKS[index], "stroke-dasharray": DASHES[index] })
    return [sign, node("text", { x: x + 30, y, class: "scale" }, cut(own.name))]
  })
}

/* What must be said of the values. */
function notes(words) {
  return [words.preview, words.madeUp].filter(Boolean)
}

function stamps(words, { width, height, top, bottom, left }) {
  const made = notes(words).map((text, index) => {
    const kind = text === words.preview ? "stamp" : "made-up"
    return node("text", { x: 0, y: 18 + index * 22, class: kind }, text)
  })
  if (words.preview) {
    const [x, y] = [(left + width) / 2, (top + height - bottom) / 2]
    made.push(node("text", { x, y, class: "across middle", transform: `rotate(-14 ${x} ${y})` }, "閲覧用・公表不可"))
  }
  return made
}

function node(name, attributes, text) {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  if (text !== undefined) made.textContent = text
  return made
}

/* Width in halves of a full-width letter. */
function wide(text) {
  return [...text].reduce((sum, letter) => sum + (letter.charCodeAt(0) > 0x7f ? 2 : 1), 0)
}

function cut(text) {
  return wide(text) > 13 ? `${[...text].slice(0, /[^\x00-\x7f]/.test(text) ? 6 : 12).join("")}…` : text
}
