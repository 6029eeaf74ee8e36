-- Reads each piece of a notebook in its own format, and marks where it begins.
local CUT = "//--microgrid-cut--\n"
local MARKDOWN = "commonmark_x-raw_attribute-attributes-bracketed_spans-fenced_divs+yaml_metadata_block"
local title = ""
local level = 1

local function quoted(text)
  return '"' .. text:gsub("\\", "\\\\"):gsub('"', '\\"'):gsub("%s+", " ") .. '"'
end

local function read(text, format)
  return pandoc.read(text, format).blocks
end

-- PDF/UA asks for a text for every formula.
local function formula(el)
  local inner = pandoc.write(pandoc.Pandoc({ pandoc.Plain({ el }) }), "typst"):gsub("%s+$", "")
  return pandoc.RawInline("typst", "#[#set math.equation(alt: " .. quoted(el.text) .. ");" .. inner .. "]")
end

local function picture(source, alt, caption)
  local shown = 'image("' .. source .. '", alt: ' .. quoted(alt) .. ")"
  if caption ~= "" then
    return "#figure(" .. shown .. ", caption: [#" .. quoted(caption) .. "])"
  end
  return "#figure(" .. shown .. ")"
end

local function own(source)
  return source:match("^%d+%.%a+$")
end

local inside = {
  Math = formula,
  Image = function(el)
    local alt = pandoc.utils.stringify(el.caption)
    if not own(el.src) then return pandoc.Str("[" .. alt .. "]") end
    return pandoc.RawInline("typst", "#box(image(\"" .. el.src .. "\", alt: "
      .. quoted(alt ~= "" and alt or el.src) .. "))")
  end,
  Figure = function(el)
    local found
    el:walk({ Image = function(image) found = image end })
    if found and own(found.src) then
      local alt = pandoc.utils.stringify(found.caption)
      return pandoc.RawBlock("typst", picture(found.src, alt ~= "" and alt or found.src, ""))
    end
    return pandoc.Plain(pandoc.utils.blocks_to_inlines(el.content))
  end,
  RawInline = function() return {} end,
  RawBlock = function() return {} end,
  -- Anchors of one cell would clash with another's.
  Link = function(el) if el.target:sub(1, 1) == "#" then return el.content end end,
}

local function headings(blocks, titled)
  for at, block in ipairs(blocks) do
    if block.t == "Header" then
      -- Below the title, and none is skipped.
      level = math.max(2, math.min(block.level + (titled and 1 or 0), level + 1, 4))
      block.level = level
      block.identifier = ""
    end
  end
  return blocks
end

local readers = {
  ["microgrid-markdown"] = function(text) return read(text, MARKDOWN) end,
  ["microgrid-html"] = function(text) return read(text, "html") end,
  ["microgrid-latex"] = function(text) return read(text, "latex") end,
  ["microgrid-code"] = function(text) return { pandoc.CodeBlock(text, { class = "python" }) } end,
  ["microgrid-text"] = function(text) return { pandoc.CodeBlock(text) } end,
}

function Pandoc(doc)
  local titled = doc.meta.titled
  local chapters, all = 0, {}
  for at, piece in ipairs(doc.blocks) do
    local reader = readers[piece.format]
    local blocks
    if reader then
      blocks = pandoc.Blocks(reader(piece.text)):walk(inside)
    else
      local told = pandoc.json.decode(piece.text)
      local alt = told.alt ~= "" and told.alt or (told.caption ~= "" and told.caption or "Figure")
      blocks = pandoc.Blocks({ pandoc.RawBlock("typst", picture(told.name, alt, told.caption)) })
    end
    for _, block in ipairs(blocks) do
      if block.t == "Header" and block.level == 1 then chapters = chapters + 1 end
    end
    all[at] = blocks
  end
  local first = all[1] and all[1][1]
  if not titled and first and first.t == "Header" and first.level == 1 then
    title = pandoc.utils.stringify(first)
    all[1]:remove(1)
    chapters = chapters - 1
  end
  local out = pandoc.Blocks({ pandoc.RawBlock("typst", "//" .. title) })
  for _, blocks in ipairs(all) do
    out:insert(pandoc.RawBlock("typst", CUT))
    out:extend(headings(blocks, chapters > 0))
  end
  return pandoc.Pandoc(out)
end
