# bash completion for spotfsctl
_spotfsctl() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} word command='' sub=''
  COMPREPLY=()
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] && continue
    if [[ -z $command ]]; then command=$word; elif [[ -z $sub ]]; then sub=$word; fi
  done
  local words=''
  if [[ $previous == --progress ]]; then
    words='auto always never'
  elif [[ $previous == --level ]]; then
    words='debug info warning error'
  elif [[ $current == -* ]]; then
    words='--help --json --progress --version'
    case $command in
      fsck) words+=' --accept-older --repair' ;;
      blob | card | group | time) words+=' --mount --source -o' ;;
      doctor) words+=' --ca --identity --state' ;;
      fstab) words+=' -o' ;;
      listen) words+=' --count --exec --mount --source -o' ;;
      log) words+=' --follow --level' ;;
      ping | query) words+=' --mount --source --timeout -o' ;;
      send) words+=' --from --mount --source -o' ;;
      top) words+=' --count --interval' ;;
    esac
  elif [[ -z $command ]]; then
    words='blob card conflicts doctor flush forget fsck fstab group list listen log ping query reconnect scrub send status
      time top umount writers'
  elif [[ $command == blob && -z $sub ]]; then
    words='get ls put rm'
  elif [[ ($command == doctor || $command == fstab) && -z $sub ]]; then
    words='embedded: spot: wss://'
  elif [[ $command == writers && -z $sub ]]; then
    words=retire
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  if [[ -n $command && $current != -* ]]; then
    compopt -o filenames
    mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -F _spotfsctl spotfsctl
