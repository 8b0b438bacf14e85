// The parts of Argo CD that render, judge and apply an Application, in one program, with the cache between them.
//
//	argo-cd application-controller [FLAG…]
//	argo-cd repo-server [FLAG…]
//	argo-cd cache ADDRESS
package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alicebob/miniredis/v2"
	controller "github.com/argoproj/argo-cd/v3/cmd/argocd-application-controller/commands"
	reposerver "github.com/argoproj/argo-cd/v3/cmd/argocd-repo-server/commands"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "argo-cd:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("expected application-controller, repo-server or cache")
	}
	switch args[0] {
	case "application-controller":
		command := controller.NewCommand()
		command.SetArgs(args[1:])
		return command.Execute()
	case "repo-server":
		command := reposerver.NewCommand()
		command.SetArgs(args[1:])
		return command.Execute()
	case "cache":
		return cache(args[1:])
	default:
		return fmt.Errorf("%q is neither application-controller, repo-server nor cache", args[0])
	}
}

// cache speaks Redis' protocol, which is all that Argo CD needs of it.
func cache(args []string) error {
	if len(args) != 1 {
		return errors.New("cache needs an address such as 127.0.0.1:6379")
	}
	server := miniredis.NewMiniRedis()
	if err := server.StartAddr(args[0]); err != nil {
		return err
	}
	defer server.Close()
	end := make(chan os.Signal, 1)
	signal.Notify(end, os.Interrupt, syscall.SIGTERM)
	<-end
	return nil
}
