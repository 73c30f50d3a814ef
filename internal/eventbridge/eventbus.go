package eventbridge

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

// CreateEventBus makes a bus for events of one's own.
//
// Errors: LimitExceededException, ResourceAlreadyExistsException,
// ValidationException.
func (s *Service) CreateEventBus(ctx context.Context, in *eventbridge.CreateEventBusInput, _ ...func(*eventbridge.Options)) (*eventbridge.CreateEventBusOutput, error) {
	name, region := aws.ToString(in.Name), identity.Region(ctx)
	switch {
	case in.EventSourceName != nil || strings.HasPrefix(name, "aws.partner/"):
		return nil, validation("Partner event sources are not implemented by Slipway.")
	case strings.ContainsRune(name, '/'):
		return nil, validation("Event bus name must not contain '/'.")
	}
	tags, err := tagSet(in.Tags)
	if err != nil {
		return nil, err
	}
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		_, err := buses.Get(tx, region, name)
		if err == nil || name == defaultBus {
			return &types.ResourceAlreadyExistsException{Message: aws.String("Event bus " + name + " already exists.")}
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		n := 0
		for _, err := range buses.All(tx, region) {
			if err != nil {
				return err
			}
			if n++; n >= maxBuses {
				return &types.LimitExceededException{Message: aws.String("The requested resource exceeds the maximum number allowed.")}
			}
		}
		b := &eventBus{Region: region, Name: name, Description: in.Description, KmsKey: in.KmsKeyIdentifier, DeadLetter: in.DeadLetterConfig,
			LogConfig: in.LogConfig, Tags: tags, Created: tx.Now(), Edited: tx.Now()}
		return buses.Put(tx, b, region, name)
	})
	if err != nil {
		return nil, err
	}
	return &eventbridge.CreateEventBusOutput{EventBusArn: aws.String(s.busARN(region, name)), Description: in.Description,
		KmsKeyIdentifier: in.KmsKeyIdentifier, DeadLetterConfig: in.DeadLetterConfig, LogConfig: in.LogConfig}, nil
}

// UpdateEventBus changes a bus: what is given is changed.
func (s *Service) UpdateEventBus(ctx context.Context, in *eventbridge.UpdateEventBusInput, _ ...func(*eventbridge.Options)) (*eventbridge.UpdateEventBusOutput, error) {
	out := &eventbridge.UpdateEventBusOutput{}
	return out, s.changeBus(ctx, in.Name, func(b *eventBus) error {
		if in.Description != nil {
			b.Description = in.Description
		}
		if in.KmsKeyIdentifier != nil {
			b.KmsKey = in.KmsKeyIdentifier
		}
		if in.DeadLetterConfig != nil {
			b.DeadLetter = in.DeadLetterConfig
		}
		if in.LogConfig != nil {
			b.LogConfig = in.LogConfig
		}
		out.Arn, out.Name, out.Description, out.KmsKeyIdentifier = aws.String(s.busARN(b.Region, b.Name)), aws.String(b.Name), b.Description, b.KmsKey
		out.DeadLetterConfig, out.LogConfig = b.DeadLetter, b.LogConfig
		return nil
	})
}

func (s *Service) changeBus(ctx context.Context, name *string, change func(*eventBus) error) error {
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		b, err := s.findBus(ctx, tx, busName(name))
		if err != nil {
			return err
		}
		if err := change(b); err != nil {
			return err
		}
		b.Edited = tx.Now()
		return buses.Put(tx, b, b.Region, b.Name)
	})
}

// DescribeEventBus returns a bus, the default one if none is named.
func (s *Service) DescribeEventBus(ctx context.Context, in *eventbridge.DescribeEventBusInput, _ ...func(*eventbridge.Options)) (*eventbridge.DescribeEventBusOutput, error) {
	var b *eventBus
	err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		b, err = s.findBus(ctx, r, busName(in.Name))
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &eventbridge.DescribeEventBusOutput{Name: &b.Name, Arn: aws.String(s.busARN(b.Region, b.Name)), Description: b.Description,
		KmsKeyIdentifier: b.KmsKey, DeadLetterConfig: b.DeadLetter, LogConfig: b.LogConfig}
	if b.Policy != "" {
		out.Policy = &b.Policy
	}
	if !b.Created.IsZero() {
		out.CreationTime, out.LastModifiedTime = &b.Created, &b.Edited
	}
	return out, nil
}

// ListEventBuses lists the buses of the region, the default one among them.
func (s *Service) ListEventBuses(ctx context.Context, in *eventbridge.ListEventBusesInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListEventBusesOutput, error) {
	region, prefix := identity.Region(ctx), aws.ToString(in.NamePrefix)
	out := &eventbridge.ListEventBusesOutput{}
	item := func(b *eventBus) types.EventBus {
		o := types.EventBus{Name: &b.Name, Arn: aws.String(s.busARN(b.Region, b.Name)), Description: b.Description}
		if b.Policy != "" {
			o.Policy = &b.Policy
		}
		if !b.Created.IsZero() {
			o.CreationTime, o.LastModifiedTime = &b.Created, &b.Edited
		}
		return o
	}
	err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		req := page.Request{Scope: store.Key("ListEventBuses", region, prefix), Token: in.NextToken, Max: page.Limit(in.Limit, maxPage)}
		out.EventBuses, out.NextToken, err = page.Of(r, buses, req, func(b *eventBus) (types.EventBus, bool, error) {
			return item(b), b.Name != defaultBus && strings.HasPrefix(b.Name, prefix), nil
		}, region)
		if err == nil && aws.ToString(in.NextToken) == "" && strings.HasPrefix(defaultBus, prefix) {
			var b *eventBus
			if b, err = s.findBus(ctx, r, defaultBus); err == nil {
				out.EventBuses = slices.Insert(out.EventBuses, 0, item(b))
			}
		}
		return badToken(err)
	})
	return out, err
}

// DeleteEventBus removes a bus without rules; a missing one is no error.
func (s *Service) DeleteEventBus(ctx context.Context, in *eventbridge.DeleteEventBusInput, _ ...func(*eventbridge.Options)) (*eventbridge.DeleteEventBusOutput, error) {
	name, region := busName(in.Name), identity.Region(ctx)
	if name == defaultBus {
		return nil, validation("Cannot delete event bus default.")
	}
	return &eventbridge.DeleteEventBusOutput{}, s.Engine.Update(ctx, func(tx *engine.Tx) error {
		for _, err := range rules.All(tx, region, name) {
			if err != nil {
				return err
			}
			return validation("Event bus %s cannot be deleted since it has rules.", name)
		}
		return buses.Delete(tx, region, name)
	})
}

// statement is one of a bus's policy, in the order in which AWS writes it.
type statement struct {
	Sid       string          `json:"Sid,omitempty"`
	Effect    string          `json:"Effect"`
	Principal json.RawMessage `json:"Principal,omitempty"`
	Action    json.RawMessage `json:"Action,omitempty"`
	Resource  json.RawMessage `json:"Resource,omitempty"`
	Condition json.RawMessage `json:"Condition,omitempty"`
}

type policyDocument struct {
	Version   string      `json:"Version"`
	Statement []statement `json:"Statement"`
}

// PutPermission sets the policy of a bus, or one statement of it. Policies are
// kept; only this account puts events, so none is needed.
//
// Errors: ResourceNotFoundException, ValidationException.
func (s *Service) PutPermission(ctx context.Context, in *eventbridge.PutPermissionInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutPermissionOutput, error) {
	one := in.StatementId != nil || in.Principal != nil || in.Action != nil || in.Condition != nil
	if one == (in.Policy != nil) || one && (in.StatementId == nil || in.Principal == nil || in.Action == nil) {
		return nil, validation("Give either Policy, or StatementId, Principal and Action.")
	}
	return &eventbridge.PutPermissionOutput{}, s.changeBus(ctx, in.EventBusName, func(b *eventBus) error {
		if in.Policy != nil {
			var d policyDocument
			if err := json.Unmarshal([]byte(*in.Policy), &d); err != nil || len(d.Statement) == 0 {
				return validation("Policy is not valid: it must be a JSON object with statements.")
			}
			b.Policy = *in.Policy
			return nil
		}
		d := b.document()
		d.Statement = slices.DeleteFunc(d.Statement, func(st statement) bool { return st.Sid == *in.StatementId })
		d.Statement = append(d.Statement, s.permission(b, in))
		return b.setDocument(d)
	})
}

func (s *Service) permission(b *eventBus, in *eventbridge.PutPermissionInput) statement {
	quote := func(v any) json.RawMessage {
		text, _ := json.Marshal(v) // of texts and maps of texts
		return text
	}
	st := statement{Sid: *in.StatementId, Effect: "Allow", Action: quote(*in.Action), Resource: quote(s.busARN(b.Region, b.Name))}
	if st.Principal = quote("*"); *in.Principal != "*" {
		st.Principal = quote(map[string]string{"AWS": "arn:aws:iam::" + *in.Principal + ":root"})
	}
	if c := in.Condition; c != nil {
		st.Condition = quote(map[string]map[string]string{aws.ToString(c.Type): {aws.ToString(c.Key): aws.ToString(c.Value)}})
	}
	return st
}

func (b *eventBus) document() policyDocument {
	d := policyDocument{Version: "2012-10-17"}
	_ = json.Unmarshal([]byte(b.Policy), &d) // "" is none
	return d
}

func (b *eventBus) setDocument(d policyDocument) error {
	if len(d.Statement) == 0 {
		b.Policy = ""
		return nil
	}
	text, err := json.Marshal(d)
	b.Policy = string(text)
	return err
}

// RemovePermission removes one statement of a bus's policy, or all.
//
// Errors: ResourceNotFoundException.
func (s *Service) RemovePermission(ctx context.Context, in *eventbridge.RemovePermissionInput, _ ...func(*eventbridge.Options)) (*eventbridge.RemovePermissionOutput, error) {
	return &eventbridge.RemovePermissionOutput{}, s.changeBus(ctx, in.EventBusName, func(b *eventBus) error {
		if in.RemoveAllPermissions {
			b.Policy = ""
			return nil
		}
		d := b.document()
		n := len(d.Statement)
		d.Statement = slices.DeleteFunc(d.Statement, func(st statement) bool { return st.Sid == aws.ToString(in.StatementId) })
		if len(d.Statement) == n {
			return notFound("Statement with the provided id does not exist.")
		}
		return b.setDocument(d)
	})
}
