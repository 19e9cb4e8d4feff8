// The OpAMP peer that tests talk to: opamp-go, the implementation of the specification's authors.
//
//	opamp-peer server ADDRESS CERTIFICATE KEY CONFIGURATION   an OpAMP server over TLS that asks agents for what the file holds
//	opamp-peer client URL                                     an OpAMP agent that calls the server at URL, by polling or over a WebSocket
//
// Each prints a line of JSON for each message that it receives.
package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/open-telemetry/opamp-go/client"
	clienttypes "github.com/open-telemetry/opamp-go/client/types"
	"github.com/open-telemetry/opamp-go/protobufs"
	"github.com/open-telemetry/opamp-go/server"
	"github.com/open-telemetry/opamp-go/server/types"
)

type logger struct{}

func (logger) Debugf(context.Context, string, ...any) {}
func (logger) Errorf(_ context.Context, format string, values ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", values...)
}

func say(value any) {
	line, err := json.Marshal(value)
	check(err)
	fmt.Println(string(line))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func untilInterrupted() {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	<-interrupted
}

func text(key, value string) *protobufs.KeyValue {
	return &protobufs.KeyValue{
		Key:   key,
		Value: &protobufs.AnyValue{Value: &protobufs.AnyValue_StringValue{StringValue: value}},
	}
}

func main() {
	switch {
	case len(os.Args) == 6 && os.Args[1] == "server":
		serve(os.Args[2], os.Args[3], os.Args[4], os.Args[5])
	case len(os.Args) == 3 && os.Args[1] == "client":
		poll(os.Args[2])
	default:
		check(fmt.Errorf("usage: opamp-peer server ADDRESS CERTIFICATE KEY CONFIGURATION | client URL"))
	}
}

func serve(address, certificate, key, configuration string) {
	pair, err := tls.LoadX509KeyPair(certificate, key)
	check(err)
	callbacks := types.ConnectionCallbacks{
		OnMessage: func(_ context.Context, _ types.Connection, message *protobufs.AgentToServer) *protobufs.ServerToAgent {
			status := message.GetRemoteConfigStatus()
			attributes := map[string]string{}
			for _, one := range message.GetAgentDescription().GetIdentifyingAttributes() {
				attributes[one.Key] = one.Value.GetStringValue()
			}
			say(map[string]any{
				"sequence":   message.SequenceNum,
				"attributes": attributes,
				"healthy":    message.GetHealth().GetHealthy(),
				"components": len(message.GetHealth().GetComponentHealthMap()),
				"effective":  string(message.GetEffectiveConfig().GetConfigMap().GetConfigMap()[""].GetBody()),
				"status":     status.GetStatus().String(),
				"hash":       hex.EncodeToString(status.GetLastRemoteConfigHash()),
				"error":      status.GetErrorMessage(),
				"custom":     message.GetCustomCapabilities().GetCapabilities(),
				"disconnect": message.AgentDisconnect != nil,
			})
			answer := &protobufs.ServerToAgent{
				InstanceUid:  message.InstanceUid,
				Capabilities: uint64(protobufs.ServerCapabilities_ServerCapabilities_AcceptsStatus | protobufs.ServerCapabilities_ServerCapabilities_OffersRemoteConfig),
			}
			body, err := os.ReadFile(configuration)
			if err != nil || len(body) == 0 {
				return answer
			}
			hash := sha256.Sum256(body)
			answer.RemoteConfig = &protobufs.AgentRemoteConfig{
				Config: &protobufs.AgentConfigMap{ConfigMap: map[string]*protobufs.AgentConfigFile{
					"": {Body: body, ContentType: "application/json"},
				}},
				ConfigHash: hash[:],
			}
			return answer
		},
	}
	callbacks.SetDefaults()
	peer := server.New(logger{})
	check(peer.Start(server.StartSettings{
		Settings: server.Settings{Callbacks: types.Callbacks{
			OnConnecting: func(*http.Request) types.ConnectionResponse {
				return types.ConnectionResponse{Accept: true, ConnectionCallbacks: callbacks}
			},
		}},
		ListenEndpoint: address,
		TLSConfig:      &tls.Config{Certificates: []tls.Certificate{pair}},
	}))
	say(map[string]any{"listening": peer.Addr().String()})
	untilInterrupted()
	check(peer.Stop(context.Background()))
}

func poll(url string) {
	interval := time.Second
	var agent client.OpAMPClient = client.NewHTTP(logger{})
	if strings.HasPrefix(url, "ws") {
		agent = client.NewWebSocket(logger{})
	}
	check(agent.SetAgentDescription(&protobufs.AgentDescription{
		IdentifyingAttributes:    []*protobufs.KeyValue{text("service.name", "otel-collector"), text("service.version", "0.1.2")},
		NonIdentifyingAttributes: []*protobufs.KeyValue{text("host.name", "peer")},
	}))
	check(agent.SetHealth(&protobufs.ComponentHealth{
		Healthy:            false,
		LastError:          "a pipeline is down",
		ComponentHealthMap: map[string]*protobufs.ComponentHealth{"pipeline:traces": {Healthy: false, Status: "StatusRecoverableError"}},
	}))
	capabilities := protobufs.AgentCapabilities_AgentCapabilities_ReportsStatus |
		protobufs.AgentCapabilities_AgentCapabilities_ReportsHealth |
		protobufs.AgentCapabilities_AgentCapabilities_ReportsHeartbeat |
		protobufs.AgentCapabilities_AgentCapabilities_AcceptsRemoteConfig |
		protobufs.AgentCapabilities_AgentCapabilities_ReportsRemoteConfig |
		protobufs.AgentCapabilities_AgentCapabilities_ReportsEffectiveConfig
	check(agent.SetCapabilities(&capabilities))
	check(agent.Start(context.Background(), clienttypes.StartSettings{
		OpAMPServerURL:    url,
		InstanceUid:       clienttypes.InstanceUid(uuid.Must(uuid.NewV7())),
		HeartbeatInterval: &interval,
		Callbacks: clienttypes.Callbacks{
			OnConnect:       func(context.Context) { say(map[string]any{"connected": true}) },
			OnConnectFailed: func(_ context.Context, err error) { say(map[string]any{"failed": err.Error()}) },
			OnError: func(_ context.Context, err *protobufs.ServerErrorResponse) {
				say(map[string]any{"refused": err.ErrorMessage})
			},
			OnMessage: func(_ context.Context, message *clienttypes.MessageData) {
				say(map[string]any{"asked": message.RemoteConfig != nil})
			},
			GetEffectiveConfig: func(context.Context) (*protobufs.EffectiveConfig, error) {
				return &protobufs.EffectiveConfig{ConfigMap: &protobufs.AgentConfigMap{ConfigMap: map[string]*protobufs.AgentConfigFile{
					"collector.yaml": {Body: []byte("receivers: {}\n"), ContentType: "text/yaml"},
				}}}, nil
			},
		},
	}))
	untilInterrupted()
	check(agent.Stop(context.Background()))
}
