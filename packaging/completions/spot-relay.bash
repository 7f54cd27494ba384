# bash completion for spot-relay
_spot_relay() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  if [[ ${COMP_WORDS[1]} == group && $COMP_CWORD -gt 1 ]]; then
    if ((COMP_CWORD == 2)); then
      mapfile -t COMPREPLY < <(compgen -W 'add key rm' -- "$current")
    else
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
    fi
    return
  fi
  case $previous in
    --data | --cert | --key | --groups)
      compopt -o filenames
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      ;;
    --host | --listen | --name | --quota | --total-quota | --max-* | --threads) ;;
    *)
      mapfile -t COMPREPLY < <(compgen -W 'group --cert --data --groups --help --host --key --listen --max-connections
        --max-per-address --max-rate --name --quota --self-signed --threads --total-quota --verbose --version' \
        -- "$current")
      ;;
  esac
}
complete -F _spot_relay spot-relay
