-- What a user of Neovim does and sees, for test_editors.py. Runs in 0.7 as well as in 0.11.
local bundle, linter, result = vim.env.BUNDLE, vim.env.LINTER, vim.env.RESULT
local seen = {}

local function finish(reason)
  seen.failed = reason
  local file = io.open(result, 'w')
  file:write(vim.fn.json_encode(seen))
  file:close()
  vim.cmd('qa!')
end

local function codes(buffer)
  local found = {}
  for _, it in ipairs(vim.diagnostic.get(buffer)) do
    table.insert(found, tostring(it.code or (it.user_data and it.user_data.lsp and it.user_data.lsp.code)))
  end
  table.sort(found)
  return found
end

local function has(buffer, code)
  return vim.tbl_contains(codes(buffer), code)
end

local function wait(what, test)
  if not vim.wait(20000, test, 50) then
    finish('waited in vain for ' .. what)
  end
end

-- The places beside a diagnostic, as the server sent them.
local function path_of(buffer, code)
  for _, it in ipairs(vim.diagnostic.get(buffer)) do
    local sent = it.user_data and it.user_data.lsp or {}
    if (it.code or sent.code) == code then
      local steps = {}
      for _, step in ipairs(sent.relatedInformation or {}) do
        table.insert(steps, vim.fn.fnamemodify(vim.uri_to_fname(step.location.uri), ':t'))
      end
      return steps
    end
  end
end

local function main()
  local config = { name = 'runbook-lint', cmd = { linter, 'server' }, root_dir = bundle }
  vim.cmd('edit ' .. bundle .. '/templates/workflow.py')
  local workflow = vim.api.nvim_get_current_buf()
  local id = vim.lsp.start_client(config)
  vim.lsp.buf_attach_client(workflow, id)
  wait('RB308', function() return has(workflow, 'RB308') end)
  seen.opened = codes(workflow)
  seen.encoding = vim.lsp.get_client_by_id(id).offset_encoding

  -- A violation in a helper, which is not saved.
  vim.cmd('split ' .. bundle .. '/templates/helpers.py')
  local helpers = vim.api.nvim_get_current_buf()
  vim.lsp.buf_attach_client(helpers, id)
  vim.api.nvim_buf_set_lines(helpers, -2, -1, false, { vim.env.VIOLATION })
  wait('RB101', function() return has(workflow, 'RB101') and has(helpers, 'RB101') end)
  seen.typed = codes(workflow)
  seen.path = path_of(workflow, 'RB101')
  vim.api.nvim_buf_set_lines(helpers, -2, -1, false, { vim.env.HARMLESS })
  wait('RB101 to vanish', function() return not has(workflow, 'RB101') end)

  -- The quick fix, with the cursor on the icon.
  vim.cmd('wincmd p')
  local line = vim.fn.search('CheckCircle2')
  vim.api.nvim_win_set_cursor(0, { line, (vim.fn.getline(line):find('CheckCircle2')) })
  seen.actions = {}
  local wanted = vim.env.FIX
  vim.ui.select = function(items, options, choose)
    for _, item in ipairs(items) do
      local action = item.action or item[2]
      table.insert(seen.actions, action.title)
      if action.title:find(wanted, 1, true) then
        return choose(item)
      end
    end
    choose(nil)
  end
  vim.lsp.buf.code_action()
  wait('RB308 to vanish', function() return not has(workflow, 'RB308') end)
  seen.fixed = vim.api.nvim_buf_get_lines(workflow, line - 1, line, false)[1]

  -- What has to happen outside of the workflow moves into a file that is made for it.
  vim.api.nvim_buf_set_lines(workflow, 0, 0, false, { 'import requests' })
  line = vim.fn.search('return .*stamp()')
  vim.api.nvim_buf_set_lines(workflow, line - 1, line, false, { vim.env.REQUEST })
  wait('RB106', function() return has(workflow, 'RB106') end)
  vim.api.nvim_win_set_cursor(0, { line, 18 })
  wanted = 'new activity'
  vim.lsp.buf.code_action()
  wait('RB106 to vanish', function() return not has(workflow, 'RB106') end)
  vim.cmd('silent! wall')
  seen.extracted = vim.fn.readfile(bundle .. '/templates/activities.py')
  finish(nil)
end

local ok, problem = pcall(main)
if not ok then
  finish(tostring(problem))
end
