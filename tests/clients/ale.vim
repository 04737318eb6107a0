" What a user of Vim with ALE sees and does, for test_editors.py.
set nocompatible hidden nomore
set runtimepath+=/usr/share/vim-ale
runtime plugin/ale.vim
filetype plugin on
let g:ale_linters = {'python': ['runbook-lint']}
let g:ale_lint_delay = 10
let s:seen = {}

function! Finish(reason) abort
  let s:seen.failed = a:reason
  call writefile([json_encode(s:seen)], $RESULT)
  qa!
endfunction

function! Texts(buffer) abort
  return map(copy(ale#engine#GetLoclist(a:buffer)), 'v:val.text')
endfunction

function! Has(buffer, text) abort
  return match(Texts(a:buffer), a:text) >= 0
endfunction

function! WaitFor(what, test) abort
  for l:try in range(400)
    if eval(a:test)
      return
    endif
    sleep 50m
  endfor
  call Finish('waited in vain for ' . a:what . ': ' . string(Texts(s:workflow)))
endfunction

execute 'edit ' . $BUNDLE . '/templates/workflow.py'
set filetype=python
let s:workflow = bufnr('')
call ale#linter#Define('python', {
\   'name': 'runbook-lint',
\   'lsp': 'stdio',
\   'executable': $LINTER,
\   'command': '%e server',
\   'project_root': {buffer -> $BUNDLE},
\   'language': 'python',
\})
ALELint
call WaitFor('RB308', 'Has(s:workflow, "CheckCircle2")')
let s:seen.opened = Texts(s:workflow)
execute 'split ' . $BUNDLE . '/templates/helpers.py'
set filetype=python
let s:helpers = bufnr('')
ALELint
call setline('$', $VIOLATION)
ALELint
call WaitFor('RB101', 'Has(s:workflow, "time.time") && Has(s:helpers, "reached from workflow")')
let s:seen.typed = Texts(s:workflow)
call setline('$', $HARMLESS)
ALELint
call WaitFor('RB101 to vanish', '!Has(s:workflow, "time.time")')
call Finish(v:null)
