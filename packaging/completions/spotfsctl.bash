# bash completion for spotfsctl
_spotfsctl() {
  # bash takes "=" and ":" for words of their own: `whole` is the word as it stands, `cut` what of it bash has behind it.
  local line=${COMP_LINE:0:COMP_POINT} current=${COMP_WORDS[COMP_CWORD]}
  local whole=${line##*[[:space:]]} cut previous='' word earlier words='' command='' sub=''
  local sources='embedded: spot: wss://' kind=files
  [[ $current == [=:] ]] && current=''
  cut=${whole%"$current"}
  COMPREPLY=()
  read -ra earlier <<<"${line%"$whole"}"
  for word in "${earlier[@]:1}"; do
    case $previous in
      --count | --exec | --from | --identity | --interval | --level | --mount | --progress | --source | --state | --timeout | --ca | -o)
        previous=''
        continue
        ;;
    esac
    previous=$word
    [[ $word == -* ]] && continue
    if [[ -z $command ]]; then command=$word; elif [[ -z $sub ]]; then sub=$word; fi
  done
  case $previous in
    --progress) words='auto always never' kind=words ;;
    --level) words='debug info warning error' kind=words ;;
    --count | --from | --interval | --timeout | -o) return ;;
    --source) words=$sources ;;
    --ca | --exec) ;;
    --identity | --mount | --state) kind=directories ;;
    *)
      if [[ $whole == -* ]]; then
        kind=words
        words='--help --json --progress --version'
        case $command in
          fsck) words+=' --accept-older --repair' ;;
          blob | card | group | time) words+=' --mount --source -o' ;;
          doctor) words+=' --ca --identity --state -o' ;;
          fstab) words+=' -o' ;;
          listen) words+=' --count --exec --mount --source -o' ;;
          log) words+=' --follow --level' ;;
          ping | query) words+=' --mount --source --timeout -o' ;;
          send) words+=' --from --mount --source -o' ;;
          top) words+=' --count --interval' ;;
        esac
      elif [[ -z $command ]]; then
        kind=words
        words='blob card conflicts doctor flush forget fsck fstab group list listen log ping query reconnect scrub send
          status time top umount writers'
      elif [[ $command == blob && -z $sub ]]; then
        kind=words
        words='get ls put rm'
      elif [[ ($command == doctor || $command == fstab) && -z $sub ]]; then
        words=$sources
      elif [[ $command == writers && -z $sub ]]; then
        words=retire
      fi
      ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$whole")
  if [[ ${COMPREPLY[*]} == *[:/] || $whole == embedded:* ]]; then
    compopt -o nospace
    [[ $whole == embedded:* ]] && mapfile -t COMPREPLY < <(compgen -P embedded: -d -- "${whole#embedded:}")
  elif [[ $kind != words ]]; then
    compopt -o filenames
    [[ $kind == files ]] && mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$whole")
    [[ $kind == directories ]] && mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$whole")
  fi
  COMPREPLY=("${COMPREPLY[@]#"$cut"}")
}
complete -F _spotfsctl spotfsctl
