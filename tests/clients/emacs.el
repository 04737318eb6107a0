;;; What a user of Emacs with eglot does and sees, for test_editors.py.  -*- lexical-binding: t -*-
(require 'package)
(package-initialize)
(require 'eglot)
(require 'flymake)
(require 'json)
(require 'python)

(defvar seen nil)
(defvar bundle (getenv "BUNDLE"))
(setq eglot-sync-connect 20
      eglot-confirm-server-initiated-edits nil)
(add-to-list 'eglot-server-programs `(python-mode . (,(getenv "LINTER") "server")))

(defun note (key value) (push (cons key value) seen))

(defun texts (buffer)
  (with-current-buffer buffer
    (mapcar #'flymake-diagnostic-text (flymake-diagnostics))))

(defun has (buffer code)
  (seq-some (lambda (it) (string-match-p (regexp-quote code) it)) (texts buffer)))

(defun wait-for (what test)
  (let ((tries 400))
    (while (and (> tries 0) (not (funcall test)))
      (setq tries (1- tries))
      (accept-process-output nil 0.05))
    (unless (funcall test)
      (error "waited in vain for %s: %S" what
             (mapcar (lambda (it) (and (buffer-file-name it) (texts it))) (buffer-list))))))

(defun open (name)
  (let ((buffer (find-file-noselect (concat bundle "/templates/" name))))
    (with-current-buffer buffer
      (unless (derived-mode-p 'python-mode) (python-mode)))
    buffer))

(defun type-last-line (buffer text)
  (with-current-buffer buffer
    (goto-char (point-max))
    (forward-line -1)
    (delete-region (point) (point-max))
    (insert text "\n")
    (eglot--signal-textDocument/didChange)))

(defun act (wanted)
  "Apply the code action at point whose title matches WANTED; return all titles."
  (let* ((actions (append (eglot-code-actions (point) (point)) nil))
         (fits (lambda (it) (string-match-p wanted (plist-get it :title))))
         (action (seq-find fits actions)))
    (eglot--apply-workspace-edit (plist-get action :edit))
    (eglot--signal-textDocument/didChange)
    (vconcat (mapcar (lambda (it) (plist-get it :title)) actions))))

(condition-case problem
    (let ((workflow (open "workflow.py")) helpers)
      (switch-to-buffer workflow)
      (with-current-buffer workflow
        (apply #'eglot (eglot--guess-contact))
        (flymake-mode 1)
        (wait-for "RB308" (lambda () (has workflow "CheckCircle2"))))
      (note 'opened (vconcat (texts workflow)))
      (setq helpers (open "helpers.py"))
      (with-current-buffer helpers
        (unless eglot--managed-mode (eglot--maybe-activate-editing-mode))
        (flymake-mode 1))
      (type-last-line helpers (getenv "VIOLATION"))
      (wait-for "RB101" (lambda () (has workflow "time.time")))
      (note 'typed (vconcat (texts workflow)))
      (type-last-line helpers (getenv "HARMLESS"))
      (wait-for "RB101 to vanish" (lambda () (not (has workflow "time.time"))))
      (with-current-buffer workflow
        (goto-char (point-min))
        (search-forward "CheckCircle2")
        (backward-char 3)
        (note 'actions (act (getenv "FIX")))
        (wait-for "RB308 to vanish" (lambda () (not (has workflow "CheckCircle2"))))
        (goto-char (point-min))
        (search-forward "icon=")
        (note 'fixed (buffer-substring-no-properties (line-beginning-position) (line-end-position)))
        ;; What has to happen outside of the workflow moves into a file that is made for it.
        (goto-char (point-min))
        (insert "import requests\n")
        (search-forward "stamp()\n")
        (delete-region (line-beginning-position 0) (line-end-position 0))
        (forward-line -1)
        (insert (getenv "REQUEST"))
        (eglot--signal-textDocument/didChange)
        (wait-for "RB106" (lambda () (has workflow "requests.get")))
        (search-backward "requests.get")
        (act "new activity")
        (with-current-buffer (find-buffer-visiting (concat bundle "/templates/activities.py"))
          (unless eglot--managed-mode (eglot--maybe-activate-editing-mode)))
        (wait-for "RB106 to vanish" (lambda () (not (has workflow "requests.get"))))
        (with-current-buffer (find-buffer-visiting (concat bundle "/templates/activities.py"))
          (note 'extracted (vconcat (split-string (buffer-string) "\n"))))))
  (error (note 'failed (format "%S" problem))))
(with-temp-file (getenv "RESULT")
  (insert (json-encode seen)))
(kill-emacs 0)
