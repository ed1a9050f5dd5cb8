// The browser's side of the wire: carries out patches, and sends what a person does. It holds no state of the run.
import { runPage } from "/scripts/run.js"
import { Typed } from "/scripts/typed.js"

const byId = (id) => document.getElementById(id)
const CHUNK = 192 * 1024 // bytes of a file in one message, well under what a websocket accepts

function fragment(html) {
  const template = document.createElement("template")
  template.innerHTML = html
  return template.content
}

// Joins a piece of a stream to the one before it, so that a line printed in two pieces stays one line.
function append(box, html) {
  const content = fragment(html)
  const last = box.lastElementChild
  const first = content.firstElementChild
  if (last && first && first.dataset.stream && last.dataset.stream === first.dataset.stream) {
    last.append(...first.childNodes)
    first.remove()
  }
  box.append(content)
}

// Brings an element in line with new HTML and leaves alone what is the same: a reader's place, focus, what is typed and
// what is opened stay, and nothing moves that need not. What a person is writing (`data-local`) is nobody else's.
function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.data = fresh.data
    return
  }
  const mine = (name) => name === "open" && old.id // whether it is open is the reader's to say
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !mine(name)) old.removeAttribute(name)
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !mine(name)) old.setAttribute(name, value)
  }
  children(old, fresh)
}

function children(old, fresh) {
  const wanted = [...fresh.childNodes]
  const ids = new Set(wanted.map((node) => node.id).filter(Boolean))
  let at = old.firstChild
  const local = (node) => node?.dataset?.local !== undefined
  const next = () => { do at = at.nextSibling; while (local(at)) }
  if (local(at)) next()
  for (const node of wanted) {
    const same = node.id && [...old.children].find((e) => e.id === node.id && e.nodeName === node.nodeName)
    if (same) {
      if (same === at) next()
      else old.insertBefore(same, at)
      morph(same, node)
    } else if (at && !ids.has(at.id)) { // what stands here goes; it may as well become what is wanted
      const here = at
      next()
      if (here.nodeName === node.nodeName && !here.id && !node.id) morph(here, node)
      else here.replaceWith(node)
    } else old.insertBefore(node, at)
  }
  while (at) {
    const gone = at
    next()
    gone.remove()
  }
}

function set(element, html) {
  const fresh = element.cloneNode(false)
  fresh.append(fragment(html))
  children(element, fresh)
}

function put(patch) {
  const content = fragment(patch.html)
  const old = byId(patch.id)
  const into = byId(patch.into)
  if (old) morph(old, content.firstElementChild)
  else if (into && patch.after === "") into.prepend(content)
  else if (into && patch.after && byId(patch.after)) byId(patch.after).after(content)
  else into?.append(content)
}

function order(patch) {
  let at = null
  for (const element of patch.ids.map(byId).filter(Boolean)) {
    const next = at ? at.nextElementSibling : element.parentElement.firstElementChild
    if (element !== next) element.parentElement.insertBefore(element, next)
    at = element
  }
}

function say(text, level = "info") {
  const box = byId("sayings")
  const line = document.createElement("div")
  line.className = `saying ${level}`
  line.setAttribute("role", level === "error" ? "alert" : "status")
  line.append(text)
  const close = document.createElement("button")
  close.type = "button"
  close.textContent = "Close"
  close.onclick = () => line.remove()
  line.append(close)
  box.append(line)
  if (level !== "error") setTimeout(() => line.remove(), 6000)
}

const busy = (on) => document.querySelectorAll("[data-do]").forEach((e) => { if ("disabled" in e) e.disabled = on })

const acks = new Map()
const answered = (ticket) => new Promise((resolve) => acks.set(ticket, resolve))

const patches = {
  set: (p) => { const e = byId(p.id); if (e) set(e, p.html) },
  put,
  order,
  drop: (p) => byId(p.id)?.remove(),
  version: (p) => { const e = byId(p.id); if (e) e.dataset.version = p.text },
  append: (p) => { const e = byId(p.id); if (e) append(e, p.html) },
  type: (p) => { const e = byId(p.id); if (e) { e.append(p.text); e.scrollTop = e.scrollHeight } },
  go: (p) => { location.href = p.url },
  say: (p) => say(p.text, p.level),
  ack: (p) => { acks.get(p.id)?.(p); acks.delete(p.id) },
  idle: () => busy(false),
}

// Who stands at the end of the page, because they went there, is kept at the end; anybody else is left in peace.
function follow(box, change) {
  const end = box.scrollTop > 0 && box.scrollHeight - box.scrollTop - box.clientHeight < 40
  change()
  if (end) box.scrollTop = box.scrollHeight
}

let heard // told of what has changed, on a run's page

function carryOut(list) {
  follow(document.scrollingElement, () => {
    for (const patch of list) patches[patch.do]?.(patch)
    tick()
    heard?.()
  })
}

// Times: "5 minutes ago" beside the exact moment, and clocks of what still runs.
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" })
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" })
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]]

function ago(at) {
  const seconds = (at - Date.now()) / 1000
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return relative.format(Math.round(seconds / length), unit)
  }
  return Math.abs(seconds) < 45 ? "just now" : "1 minute ago"
}

function since(at) {
  const seconds = Math.max(0, Math.floor((Date.now() - at) / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

function tick() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const at = Date.parse(time.dateTime)
    const text = Date.now() - at < 6 * 86400e3 ? ago(at) : exact.format(at)
    if (time.textContent !== text) { time.textContent = text; time.title = exact.format(at) }
  }
  for (const time of document.querySelectorAll("time[data-since]")) time.textContent = since(Date.parse(time.dateTime))
}

function base64(buffer) {
  const bytes = new Uint8Array(buffer)
  let text = ""
  for (let i = 0; i < bytes.length; i += 0x8000) text += String.fromCharCode(...bytes.subarray(i, i + 0x8000))
  return btoa(text)
}

class Ask {
  constructor(form, send) {
    this.form = form
    this.send = send
    this.files = []
    this.list = byId("ask-files")
    this.typed = new Typed()
    const input = byId("ask-input")
    const drop = byId("ask-drop")
    const take = () => { this.add(input.files); input.value = "" }
    input.addEventListener("change", take)
    if (input.files.length) take() // chosen before the wire was up
    for (const name of ["dragenter", "dragover"]) {
      drop.addEventListener(name, (e) => { e.preventDefault(); drop.classList.add("over") })
    }
    for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"))
    drop.addEventListener("drop", (e) => { e.preventDefault(); this.add(e.dataTransfer.files) })
    form.addEventListener("submit", (e) => { e.preventDefault(); this.submit() })
    byId("ask-question").addEventListener("keydown", (e) => {
      if (e.key === "Enter" && (e.metaKey || e.ctrlKey)) { e.preventDefault(); form.requestSubmit() }
    })
  }

  add(files) {
    for (const file of files) {
      this.files = this.files.filter((f) => f.name !== file.name)
      this.files.push(file)
    }
    this.show()
  }

  show() {
    this.typed.files(this.files)
    this.list.replaceChildren(...this.files.map((file) => {
      const item = document.createElement("li")
      const name = document.createElement("span")
      name.className = "name"
      name.textContent = file.name
      name.title = file.name
      const size = document.createElement("span")
      size.className = "quiet num"
      size.textContent = file.size < 1e3 ? `${file.size} B` : file.size < 1e6 ? `${Math.round(file.size / 1e3)} KB` : `${(file.size / 1e6).toFixed(1)} MB`
      const bar = document.createElement("progress")
      bar.max = 1
      bar.value = 0
      bar.hidden = true
      const remove = document.createElement("button")
      remove.type = "button"
      remove.className = "plain"
      remove.textContent = "Remove"
      remove.setAttribute("aria-label", `Remove ${file.name}`)
      remove.onclick = () => { this.files = this.files.filter((f) => f !== file); this.show() }
      item.append(name, size, bar, remove)
      return item
    }))
  }

  async submit() {
    const button = this.form.querySelector("[type=submit]")
    if (button.disabled) return
    busy(true)
    try {
      for (const [i, file] of this.files.entries()) await this.upload(file, i)
      const roles = [...this.form.querySelectorAll("[data-role]")].map((field) => [field.dataset.role, field.value])
      this.send({
        do: "ask", question: byId("ask-question").value, model: byId("ask-model").value, files: this.files.length,
        roles: Object.fromEntries(roles), typed: this.typed.values(),
      })
    } catch (error) {
      say(error.message, "error")
      busy(false)
    }
  }

  async upload(file, i) {
    const bar = this.list.children[i].querySelector("progress")
    bar.hidden = false
    let at = 0
    do {
      const part = await file.slice(at, at + CHUNK).arrayBuffer().catch(() => {
        throw new Error(`${file.name} could not be read. Was it moved or changed? Choose it again.`)
      })
      const answer = answered("upload")
      this.send({ do: "upload", file: i, name: file.name, at, data: base64(part) })
      const { text } = await answer
      if (text) throw new Error(text)
      at += part.byteLength
      bar.value = file.size ? at / file.size : 1
    } while (at < file.size)
  }
}

function click(event, send) {
  const target = event.target.closest("[data-do],[data-copy]")
  if (!target || target.form?.id === "ask") return
  if (target.dataset.copy !== undefined) {
    const code = target.closest("[data-code]").querySelector("pre").textContent
    navigator.clipboard.writeText(code).then(() => say("Copied."), () => say("The browser did not allow copying.", "error"))
  } else {
    if ("disabled" in target) busy(true)
    send({ ...target.dataset })
    target.closest("[popover]")?.hidePopover()
  }
}

// A lost connection: say so, and come back by loading the page anew as soon as the server answers.
function lost() {
  const bar = byId("offline")
  if (!bar.hidden) return
  bar.hidden = false
  const attempt = async () => {
    const answer = await fetch(location.pathname, { method: "HEAD", cache: "no-store" }).catch(() => null)
    if (answer?.ok) location.reload()
    else if (answer?.status === 401) {
      bar.textContent = "The server is back and asks for a token that this page does not have. Open the dashboard anew."
    } else setTimeout(attempt, 2000)
  }
  setTimeout(attempt, 1000)
}

function render({ model, view }) {
  const send = (message) => model.send_msg(message)
  model.on("msg:custom", carryOut)
  const document_ = view.model.document
  document_.config.notify_connection_status = false
  document_.config.reconnect_session = false
  document_.on_event("connection_lost", lost)
  document.addEventListener("click", (event) => click(event, send))
  if (byId("ask")) new Ask(byId("ask"), send)
  if (byId("dock")) heard = runPage(send, answered)
  let typing
  for (const field of document.querySelectorAll("[data-filter]")) {
    const filter = () => send({ do: "filter", by: field.dataset.filter, value: field.value })
    field.addEventListener("input", () => {
      clearTimeout(typing)
      typing = setTimeout(filter, 200)
    })
    if (field.value) filter() // typed before the wire was up, or put back by the browser
  }
  tick()
  setInterval(tick, 1000)
  document.documentElement.dataset.wire = "up"
  send({ do: "hello" })
  for (const button of window.heldClicks.splice(0)) button.click()
  return document.createElement("span")
}

export default { Wire: { render } }
