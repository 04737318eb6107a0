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

function! Choose(wanted, data, items) abort
  let s:seen.actions = map(copy(a:items), 'v:val[1].title')
  for l:item in a:items
    if l:item[1].title =~# a:wanted
      call ale#codefix#ApplyLSPCodeAction(a:data, l:item[1])
      " This client tells the server of a buffer when it is linted.
      for l:buffer in getbufinfo({'bufloaded': 1})
        execute 'buffer ' . l:buffer.bufnr
        set filetype=python
        ALELint
      endfor
      execute 'buffer ' . s:workflow
      return
    endif
  endfor
endfunction

function! Act(wanted) abort
  call ale#codefix#Execute(0, function('Choose', [a:wanted]))
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

wincmd p
call search('CheckCircle2')
call Act($FIX)
call WaitFor('RB308 to vanish', '!Has(s:workflow, "CheckCircle2")')
let s:seen.fixed = getline(search('icon=', 'w'))

" What has to happen outside of the workflow moves into a file that is there: this client does not
" say that it could make one.
call append(0, 'import requests')
call setline(search('return .*stamp()', 'w'), $REQUEST)
ALELint
call WaitFor('RB106', 'Has(s:workflow, "requests.get")')
call search('requests\.get', 'w')
call Act('new activity')
call WaitFor('RB106 to vanish', '!Has(s:workflow, "requests.get")')
let s:seen.extracted = getbufline($BUNDLE . '/templates/activities.py', 1, '$')
call Finish(v:null)
