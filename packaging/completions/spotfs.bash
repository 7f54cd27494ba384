# bash completion for spotfs
_spotfs() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  if [[ $previous == -o ]]; then
    local done='' last=$current
    if [[ $current == *,* ]]; then
      done=${current%,*},
      last=${current##*,}
    fi
    compopt -o nospace
    mapfile -t COMPREPLY < <(compgen -P "$done" -W 'accept_store allow= allow_dev allow_other allow_suid bind=any
      bind=require ca= cache= cache=none cache_size= commit= conflicts=keep conflicts=last default_permissions
      delay_connect dmask= drain= expect= fmask= gid= groups= identity= keepalive= listen= listen_timeout= log=debug log=error log=info log=warning
      memory= mount_timeout= noatime nodev noexec nosuid offline=fail offline=stale offline_grace= peers= plain=any plain=new
      plain=none query_timeout= refresh= remount ro rw scrub= size= state= subtree=files threads= timeout= uid= umask=
      writeback' -- "$last")
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W '-d -f -h -o -V --help --version' -- "$current")
  else
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -W 'embedded: spot: wss://' -- "$current"; compgen -d -- "$current")
  fi
}
complete -F _spotfs spotfs
