# bash completion for spotfs
_spotfs() {
  # bash takes "=" and ":" for words of their own: `whole` is the word as it stands, `cut` what of it bash has behind it.
  local line=${COMP_LINE:0:COMP_POINT} current=${COMP_WORDS[COMP_CWORD]}
  local whole=${line##*[[:space:]]} cut before
  [[ $current == [=:] ]] && current=''
  cut=${whole%"$current"}
  before=${line%"$whole"}
  before=${before%"${before##*[![:space:]]}"}
  COMPREPLY=()
  if [[ ${before##*[[:space:]]} == -o ]]; then
    local last=${whole##*,}
    local done=${whole%"$last"} name=${last%%=*}
    compopt -o nospace
    case $last in
      ca=* | groups=*) mapfile -t COMPREPLY < <(compgen -P "$done$name=" -f -- "${last#*=}") ;;
      identity=* | state=* | cache=/*) mapfile -t COMPREPLY < <(compgen -P "$done$name=" -d -- "${last#*=}") ;;
      *)
        mapfile -t COMPREPLY < <(compgen -P "$done" -W 'accept_store allow= allow_dev allow_other allow_suid bind=any
          bind=require ca= cache= cache=none cache_size= commit= conflicts=keep conflicts=last default_permissions
          delay_connect dmask= drain= expect= fmask= gid= groups= identity= keepalive= listen= listen_timeout= log=debug
          log=error log=info log=warning memory= mount_timeout= noatime nodev noexec nosuid offline=fail offline=stale
          offline_grace= peers= plain=any plain=new plain=none query_timeout= refresh= remount ro rw scrub= size= state=
          subtree=files threads= timeout= uid= umask= writeback' -- "$last")
        ;;
    esac
  elif [[ $whole == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W '-d -f -h -o -V --help --version' -- "$whole")
  elif [[ $whole == embedded:* ]]; then
    compopt -o nospace
    mapfile -t COMPREPLY < <(compgen -P embedded: -d -- "${whole#embedded:}")
  elif [[ -n $whole && -n $(compgen -W 'embedded: spot: wss://' -- "$whole") ]]; then
    compopt -o nospace
    mapfile -t COMPREPLY < <(compgen -W 'embedded: spot: wss://' -- "$whole")
  else
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -d -- "$whole")
  fi
  COMPREPLY=("${COMPREPLY[@]#"$cut"}")
}
complete -F _spotfs spotfs
