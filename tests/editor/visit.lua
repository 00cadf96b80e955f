-- Does in Neovim what the environment variable TASK asks for, and writes what is seen to
-- the file RESULT. All waiting is for callbacks and events.

local task = vim.json.decode(vim.env.TASK)
local seen = {}
local buffer = vim.api.nvim_get_current_buf()

local function main(f)
  local thread = coroutine.create(f)
  local function go_on(...)
    local ok, err = coroutine.resume(thread, ...)
    if not ok then
      io.stderr:write(debug.traceback(thread, err) .. "\n")
      vim.cmd("cquit 1")
    end
  end
  return go_on
end

local go_on

-- Waits until the server has said what is wrong with the newest text.
local function diagnostics()
  vim.api.nvim_create_autocmd("DiagnosticChanged", { once = true, callback = function() vim.schedule(go_on) end })
  coroutine.yield()
  return vim.diagnostic.get(buffer)
end

local function lines() return vim.api.nvim_buf_get_lines(buffer, 0, -1, false) end

local function text_at(d)
  if d.lnum ~= d.end_lnum then return "" end
  return lines()[d.lnum + 1]:sub(d.col + 1, d.end_col)
end

-- Moves the cursor into the first place that has a text, by bytes.
local function move_to(text)
  for i, line in ipairs(lines()) do
    local at = line:find(text, 1, true)
    if at then
      vim.api.nvim_win_set_cursor(0, { i, at })
      return i
    end
  end
  error(text .. " is not in the text")
end

local function request(method, params)
  vim.lsp.buf_request(buffer, method, params or vim.lsp.util.make_position_params(), function(err, result)
    vim.schedule(function() go_on(err, result) end)
  end)
  local err, result = coroutine.yield()
  if err then error(vim.inspect(err)) end
  return result
end

go_on = main(function()
  seen.diagnostics = {}
  for _, d in ipairs(diagnostics()) do
    table.insert(seen.diagnostics, { text = text_at(d), message = d.message, severity = d.severity })
  end

  move_to(task.hover)
  seen.hover = request("textDocument/hover").contents.value

  if task.definition ~= "" then
    move_to(task.definition)
    for _, l in ipairs(request("textDocument/definition")) do
      seen.definition = vim.fn.fnamemodify(vim.uri_to_fname(l.uri), ":t") .. ":" .. l.range.start.line + 1
    end
  end

  -- Completion, of which nothing stays.
  local row = move_to(task.after)
  vim.api.nvim_buf_set_lines(buffer, row, row, false, { task.type })
  vim.api.nvim_win_set_cursor(0, { row + 1, #task.type })
  vim.cmd("startinsert!")
  seen.offered = {}
  local list = request("textDocument/completion")
  local prefix = task.type:match("[%w_]*$")
  for _, item in ipairs(list.items) do
    table.insert(seen.offered, item.label)
    if item.label:sub(1, #prefix) == prefix then
      vim.lsp.util.apply_text_edits({ item.textEdit }, buffer, "utf-16")
      break
    end
  end
  seen.completed = lines()[row + 1]
  vim.cmd("stopinsert")
  vim.api.nvim_buf_set_lines(buffer, row, row + 1, false, {})

  -- The fix, chosen as a person does.
  vim.ui.select = function(items, _, choose) choose(items[1], 1) end
  move_to(task.fix)
  local before = table.concat(lines(), "\n")
  vim.lsp.buf.code_action()
  repeat
    diagnostics()
  until table.concat(lines(), "\n") ~= before
  local edits = request("textDocument/formatting", vim.lsp.util.make_formatting_params())
  vim.lsp.util.apply_text_edits(edits, buffer, "utf-16")
  seen.result = lines()

  local out = assert(io.open(vim.env.RESULT, "w"))
  out:write(vim.json.encode(seen))
  out:close()
  vim.cmd("qall!")
end)
go_on()
