#!/bin/sh
# Runs what a key may do: `access read` fetches, `access write` fetches and pushes. From authorized_keys, through git-shell.
case "${1:-read} ${SSH_ORIGINAL_COMMAND:-}" in
    "read git-upload-pack '{{ git_repository }}'" | \
    "write git-upload-pack '{{ git_repository }}'" | \
    "write git-receive-pack '{{ git_repository }}'")
        exec git-shell -c "$SSH_ORIGINAL_COMMAND" ;;
esac
echo "seedbed: this key may not run: ${SSH_ORIGINAL_COMMAND:-a shell}" >&2
exit 1
