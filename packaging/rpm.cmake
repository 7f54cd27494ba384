# Packages for systems with RPM: configure with -DCMAKE_INSTALL_PREFIX=/usr, build, and run cpack.

set(CPACK_GENERATOR RPM)
set(CPACK_PACKAGE_VENDOR spotfs)
set(CPACK_PACKAGE_CONTACT maintainers@spotfs.invalid)
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_COMPONENTS_ALL spotfs relay development)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_RELOCATABLE OFF)

set(CPACK_RPM_COMPONENT_INSTALL ON)
set(CPACK_RPM_FILE_NAME RPM-DEFAULT)
set(CPACK_RPM_PACKAGE_LICENSE MIT)
set(CPACK_RPM_SPOTFS_PACKAGE_NAME spotfs)
set(CPACK_RPM_SPOTFS_PACKAGE_SUMMARY "The Spot network as a filesystem")
set(CPACK_RPM_SPOTFS_PACKAGE_REQUIRES fuse3)
set(CPACK_RPM_RELAY_PACKAGE_NAME spot-relay)
set(CPACK_RPM_RELAY_PACKAGE_SUMMARY "A relay for Spot clients")
set(CPACK_RPM_DEVELOPMENT_PACKAGE_NAME spot-devel)
set(CPACK_RPM_DEVELOPMENT_PACKAGE_SUMMARY "Client library of the Spot network, for development")

if(SPOTFS_SERVICES)
  set(CPACK_RPM_SPOTFS_POST_INSTALL_SCRIPT_FILE ${CMAKE_CURRENT_SOURCE_DIR}/rpm/spotfs.post)
  set(CPACK_RPM_RELAY_POST_INSTALL_SCRIPT_FILE ${CMAKE_CURRENT_SOURCE_DIR}/rpm/spot-relay.post)
  set(CPACK_RPM_SPOTFS_USER_FILELIST "%config(noreplace) ${config_dir}/example.conf")
  set(CPACK_RPM_RELAY_USER_FILELIST "%config(noreplace) ${defaults_dir}/spot-relay")
endif()
# Of the system, not ours.
set(CPACK_RPM_EXCLUDE_FROM_AUTO_FILELIST_ADDITION
    /etc /etc/default /usr/sbin /usr/lib/systemd /usr/lib/systemd/system /usr/lib/sysusers.d /usr/lib/tmpfiles.d /usr/share/man
    /usr/share/man/man1 /usr/share/man/man5 /usr/share/man/man8 /usr/share/bash-completion
    /usr/share/bash-completion/completions /usr/share/fish /usr/share/fish/vendor_completions.d /usr/share/zsh
    /usr/share/zsh/site-functions /usr/lib64/cmake /usr/lib64/pkgconfig /usr/share/doc)
include(CPack)
